"""Actions of staff on people: silence, approve and ban. See `members` for those of private rooms."""

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

import accounts.actions
from accounts.models import User
from base.api_errors import ApiError
from chat import permissions
from chat.actions.members import audit
from chat.lifetimes import LIFETIMES
from chat.models import ModerationAction
from chat.reasons import shorten_reason
from chat.services.roles import publish_approval


@transaction.atomic
def silence(actor: User, person: User, lifetime: str, reason: str = "", address: str = "") -> None:
    """Let a person write nothing for some time: a key of `LIFETIMES`. Raise `ApiError`."""
    _check(actor, person)
    accounts.actions.silence(person, _parse(lifetime))
    audit(ModerationAction.SILENCE, actor, None, person, shorten_reason(reason), address)


@transaction.atomic
def end_silence(actor: User, person: User, address: str = "") -> None:
    """Let a silenced person write again. Raise `ApiError`."""
    _check(actor, person)
    accounts.actions.silence(person, timedelta())
    audit(ModerationAction.END_SILENCE, actor, None, person, address=address)


@transaction.atomic
def approve(actor: User, person: User, is_approved: bool, address: str = "") -> None:
    """Approve a person, so that the site's rules don't restrict them, or revoke that. Raise `ApiError`."""
    _check(actor, person)
    accounts.actions.approve(person, is_approved)
    action = ModerationAction.APPROVE if is_approved else ModerationAction.END_APPROVAL
    audit(action, actor, None, person, address=address)
    publish_approval(person.pk)


@transaction.atomic
def ban(actor: User, person: User, lifetime: str, reason: str = "", address: str = "") -> bool:
    """Deactivate a person, and keep new guests out of a guest's network for some time. Raise `ApiError`.

    Return whether the network is banned.
    """
    _check(actor, person)
    is_network_banned = accounts.actions.ban(person, _parse(lifetime))
    audit(ModerationAction.BAN, actor, None, person, shorten_reason(reason), address)
    return is_network_banned


def _check(actor: User, person: User) -> None:
    if not permissions.can_sanction(actor, person):
        raise ApiError("forbidden", _("You can't moderate this person."))


def _parse(lifetime: str) -> timedelta:
    if lifetime not in LIFETIMES:
        raise ApiError("bad_frame", _("Choose for how long."))
    return LIFETIMES[lifetime]
