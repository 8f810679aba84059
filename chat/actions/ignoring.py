"""Actions on ignored people: ignore somebody, and stop it."""

from collections.abc import Collection

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts import queries
from accounts.models import User
from base.api_errors import ApiError
from chat import permissions
from chat.models import Ignored, Membership, Room, RoomKind
from chat.services import unread_changes

# How many people a person can ignore: pages have all of them.
MAX_IGNORED = 500

# How many of the user's rooms are counted again, the newest ones.
MAX_RECOUNTED = 500

# How many of the people who ignore a guest, the newest, also ignore the account to which the guest signs in.
MAX_FOLLOWED = 1000


@transaction.atomic
def ignore(user: User, person: int, room: Room, present: Collection[int] = ()) -> None:
    """Ignore a person who is or has been in a room that the user has entered: see `can_message`.

    Raise `ApiError`, `not_found` for anybody else.
    """
    user = queries.lock_active(user)
    other = User.objects.filter(pk=person).first()
    if other is None or other == user or not permissions.can_message(person, room, present):
        raise permissions.unreachable()
    if Ignored.objects.filter(user=user).count() >= MAX_IGNORED:
        detail = _("You can ignore at most {most} people.")
        raise ApiError("forbidden", format_lazy(detail, most=MAX_IGNORED))
    Ignored.objects.get_or_create(user=user, person=other)
    _recount(user)


@transaction.atomic
def stop_ignoring(user: User, person: int) -> None:
    """Stop ignoring a person."""
    Ignored.objects.filter(user=user, person=person).delete()
    _recount(user)


def hand_over(person: User, heir: User | None, is_gone: bool = True) -> None:
    """Hand over the people whom a guest ignores to the account to which the guest signs in.

    Of those that exceed the account's `MAX_IGNORED`, the oldest are left out. Those who ignore the guest and
    share a private or direct room with the guest also ignore the account; others do not learn of it. It runs
    before rooms are handed over.
    """
    if heir is None:
        return
    known = Ignored.objects.filter(user=heir).values("person")
    free = max(0, MAX_IGNORED - known.count())
    own = Ignored.objects.filter(user=person).exclude(person__in=known).exclude(person=heir)
    moving = list(own.order_by("-pk").values_list("pk", flat=True)[:free])
    Ignored.objects.filter(pk__in=moving).update(user=heir)
    shared = Membership.objects.filter(user=person, is_request=False).exclude(room__kind=RoomKind.OPEN)
    inside = Membership.objects.filter(room__in=shared.values("room")).values("user")
    others = Ignored.objects.filter(person=person, user__in=inside).exclude(user=heir).order_by("-pk")
    users = others.values_list("user", flat=True)[:MAX_FOLLOWED]
    Ignored.objects.bulk_create([Ignored(user_id=pk, person=heir) for pk in users], ignore_conflicts=True)
    _recount(heir)


def _recount(user: User) -> None:
    """Count the user's rooms again: notifications of the person's messages count no more, or do again."""
    rooms = list(
        permissions.memberships_of([user.pk]).order_by("-pk").values_list("room", flat=True)[:MAX_RECOUNTED]
    )
    transaction.on_commit(lambda: unread_changes.publish_changed_memberships(user.pk, rooms))
