"""Actions on invitations: create, revoke, and join by one."""

import secrets
from hashlib import sha256

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts import queries
from accounts.models import User
from base.api_errors import ApiError
from chat import permissions
from chat.actions.members import add_newcomer, audit, check_can_join, check_has_place
from chat.actions.room_events import log_event
from chat.lifetimes import LIFETIMES
from chat.models import ARCHIVED, Invitation, Membership, ModerationAction, Role, Room
from chat.queries import locks
from chat.room_events import RoomEvent

# Bytes of a token.
TOKEN_SIZE = 16

# How many valid invitations a room can have.
MAX_INVITATIONS = 20

# Choices of how many people an invitation is for; None is any number.
USES = {"one": 1, "ten": 10, "any": None}


def find_invitation(token: str) -> Invitation:
    """Return a valid invitation. Raise the same `ApiError` if it is wrong, used, revoked or expired."""
    found = Invitation.find_valid().filter(token_hash=_hash(token))
    invitation = found.select_related("room", "inviter").first()
    if invitation is None:
        raise _invalid()
    return invitation


@transaction.atomic
def create_invitation(inviter: User, room: Room, role: str, lifetime: str, uses: str, address: str) -> str:
    """Create an invitation into a private room. Return its token, which is not stored. Raise `ApiError`."""
    inviter = queries.lock_active(inviter)
    _check_manages(inviter, room)
    queries.check_not_silenced(inviter)
    if role not in (Role.MEMBER, Role.MODERATOR) or lifetime not in LIFETIMES or uses not in USES:
        raise ApiError("bad_frame", _("Choose a role, an expiry time and a number of uses."))
    locks.lock_rooms([room.pk])
    if valid_invitations(room).count() >= MAX_INVITATIONS:
        detail = _("A room can have at most {most} invitations. Revoke one first.")
        raise ApiError("forbidden", format_lazy(detail, most=MAX_INVITATIONS))
    token = secrets.token_urlsafe(TOKEN_SIZE)
    Invitation.objects.create(
        token_hash=_hash(token),
        room=room,
        role=role,
        inviter=inviter,
        expires_at=timezone.now() + LIFETIMES[lifetime],
        max_uses=USES[uses],
    )
    audit(ModerationAction.CREATE_INVITATION, inviter, room, reason=role, address=address)
    return token


@transaction.atomic
def revoke_invitation(actor: User, room: Room, pk: int, address: str = "") -> None:
    """Revoke an invitation, if it is valid. Who has joined by it stays. Raise `ApiError`."""
    actor = queries.lock_active(actor)
    _check_manages(actor, room)
    if valid_invitations(room).filter(pk=pk).update(revoked_at=timezone.now()):
        audit(ModerationAction.REVOKE_INVITATION, actor, room, address=address)


@transaction.atomic
def join(user: User, token: str) -> Room:
    """Make a user a member of the invitation's room, unless they are one. Raise `ApiError`."""
    user = queries.lock_active(user)
    invitation = find_invitation(token)
    room = locks.lock_rooms([invitation.room_id]).get(invitation.room_id)
    if room is None:
        raise _invalid()
    members = Membership.objects.filter(room=room)
    if members.filter(user=user).exists():
        return room
    queries.check_not_silenced(user)
    if room.archived_at:
        raise ApiError("forbidden", ARCHIVED)
    check_can_join(user)
    check_has_place(room)
    # Checked again in the statement that counts the use: others may join by it at the same time.
    if not Invitation.find_valid().filter(pk=invitation.pk).update(uses=F("uses") + 1):
        raise _invalid()
    log_event(user, room, RoomEvent.JOINED)
    add_newcomer(room, user, invitation.role)
    return room


def valid_invitations(room: Room) -> QuerySet[Invitation]:
    """Return the invitations into a room that can still be used, the newest first."""
    return Invitation.find_valid().filter(room=room)


def _invalid() -> ApiError:
    return ApiError("not_found", _("This invitation is no longer valid. Ask for a new one."))


def _check_manages(user: User, room: Room) -> None:
    if room.is_open or not permissions.can_manage(user, room, permissions.load_role(user, room)):
        raise ApiError("forbidden", _("Only owners can invite people."))


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
