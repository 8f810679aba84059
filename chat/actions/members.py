"""Actions on members of private rooms: remove, and change a role. See `memberships` for one's own."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import queries
from accounts.models import User
from accounts.revocation import publish_revocation
from base.api_errors import ApiError
from chat import permissions
from chat.models import AuditEntry, Invitation, Membership, ModerationAction, Role, Room, RoomKind
from chat.queries import locks
from chat.services import unread_changes


@transaction.atomic
def remove_member(actor: User, room: Room, person: int, address: str = "") -> None:
    """End the membership of another person, and close their sockets. Raise `ApiError`."""
    member = _lock_member(actor, room, person)
    if not permissions.acts_on(_role_of(actor, room), member.role):
        raise ApiError("forbidden", _("You can't remove this person."))
    end_membership(person, room)
    audit(ModerationAction.REMOVE_MEMBER, actor, room, member.user, address=address)


@transaction.atomic
def set_role(actor: User, room: Room, person: int, role: str, address: str = "") -> None:
    """Change the role of a member. Raise `ApiError`; a private room keeps at least one owner."""
    member = _lock_member(actor, room, person)
    if role not in Role:
        raise ApiError("bad_frame", _("This role doesn't exist."))
    if not permissions.can_manage(actor, room, _role_of(actor, room)):
        raise ApiError("forbidden", _("Only owners can change roles."))
    if member.role == role:
        return
    if member.role == Role.OWNER:
        check_keeps_owner(room, person)
    member.role = role
    member.save(update_fields=["role"])
    if role != Role.OWNER:
        _revoke_invitations(person, room)
    audit(ModerationAction.CHANGE_ROLE, actor, room, member.user, str(Role(role).label), address)


def check_keeps_owner(room: Room, person: int) -> None:
    """Raise `ApiError` if a room with other members would have no owner without this person."""
    locks.lock_rooms([room.pk])
    others = Membership.objects.filter(room=room).exclude(user=person)
    is_owner = Membership.objects.filter(room=room, user=person, role=Role.OWNER).exists()
    if is_owner and others.exists() and not others.filter(role=Role.OWNER).exists():
        raise ApiError("forbidden", _("You're the only owner. Make somebody else an owner first."))


def end_membership(person: int, room: Room) -> None:
    """Delete a membership of a person who is locked, so that no message of theirs is stored later."""
    Membership.objects.filter(user=person, room=room).delete()
    _revoke_invitations(person, room)
    transaction.on_commit(lambda: unread_changes.publish_left(person, room.pk, room.name))
    if not room.is_open:
        publish_revocation()


def _revoke_invitations(inviter: int, room: Room) -> None:
    Invitation.objects.filter(room=room, inviter=inviter, revoked_at=None).update(revoked_at=timezone.now())


def audit(
    action: ModerationAction,
    actor: User,
    room: Room | None,
    person: User | None = None,
    reason: str = "",
    address: str = "",
) -> None:
    """Store what a moderator or owner did."""
    AuditEntry.objects.create(
        action=action,
        actor=actor,
        actor_name=actor.name,
        person=person,
        person_name=person.name if person else "",
        room=room,
        room_name=room.label if room else "",
        reason=reason,
        address=address,
    )


def _lock_member(actor: User, room: Room, person: int) -> Membership:
    """Lock both people, as sending a message does. Return the person's membership as now stored."""
    people = queries.lock_active_people({actor.pk, person})
    queries.get_stored(people, actor)
    found = Membership.objects.filter(room=room, user=person).select_related("user").first()
    if room.kind != RoomKind.PRIVATE or found is None or permissions.load_role(actor, room) is None:
        raise ApiError("not_found", _("This person isn't in the room."))
    return found


def _role_of(actor: User, room: Room) -> str | None:
    return permissions.load_role(actor, room)
