"""Actions on members of rooms: add, remove, change a role. `memberships` has those on the user's own."""

from collections.abc import Collection
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts import queries
from accounts.confusables import NameKeys
from accounts.display_names import DELETED, MAX_NAME_LENGTH
from accounts.models import User
from accounts.revocation import publish_revocation
from base import names
from base.api_errors import ApiError
from base.database import may_change
from base.rooms import missing_room
from chat import permissions, purge
from chat.actions.room_events import log_event
from chat.models import (
    AuditEntry,
    History,
    Invitation,
    Membership,
    ModerationAction,
    Report,
    Role,
    Room,
    RoomKind,
)
from chat.queries import locks
from chat.queries.titles import title_for
from chat.room_events import RoomEvent
from chat.services import unread_changes
from chat.services.roles import publish_roles

# How many private rooms a person can be in, without the direct ones that others have opened: signing in hands
# them over one by one.
MAX_PRIVATE_ROOMS = 500

# How many direct rooms that others have opened are handed over one by one. Strangers may have opened more: of
# those, open pages learn nothing, and who opens a direct room with the account gets another one.
MAX_TAKEN_REQUESTS = 100

# How many roles in open rooms are handed over.
MAX_ROLES = 100

# How many times a day a person can be added to private rooms by name. Others invite them by a link.
MAX_ADDED = 20

# How many members a private room can have.
MAX_MEMBERS = 10_000

# How many of the rooms that are handed over are named on the page that asks.
MAX_NAMED = 10


@transaction.atomic
def remove_member(actor: User, room: Room, person: int, address: str = "") -> None:
    """End the membership of another person, and close their sockets. Raise `ApiError`."""
    member = _lock_member(actor, room, person)
    if not permissions.acts_on(permissions.load_role(actor, room), member.role):
        raise ApiError("forbidden", _("You can't remove this person."))
    locks.lock_rooms([room.pk])  # before its invitations, as joining does
    end_membership(person, room)
    _revoke(Invitation.objects.filter(room=room))  # by one of them the person would come back
    log_event(actor, room, RoomEvent.REMOVED, member.user.name)
    audit(ModerationAction.REMOVE_MEMBER, actor, room, member.user, address=address)


@transaction.atomic
def add_by_name(
    actor: User, room: Room, name: str, role: str, address: str = "", present: Collection[int] = ()
) -> None:
    """Add the person with a name to a private room, or to the moderators of an open one.

    `present` are the people who are there now. Raise `ApiError`.
    """
    if role not in Role or (room.is_open and role == Role.MEMBER):
        raise ApiError("bad_frame", _("This role doesn't exist."))
    found = find_by_name(name)
    people = queries.lock_active_people({actor.pk, *([found] if found else [])})
    actor, person = queries.get_stored(people, actor), people.get(found) if found else None
    if not permissions.can_manage(actor, room, permissions.load_role(actor, room)):
        raise ApiError("forbidden", _("Only owners can add people."))
    queries.check_not_silenced(actor)
    permissions.check_site_rules(actor, room)
    if person is None or person == actor or not permissions.can_add(actor, person, room, present):
        raise ApiError("bad_frame", _("You can't add anyone with that name. Check the spelling."))
    stored = locks.lock_rooms([room.pk]).get(room.pk)
    if stored is None or stored.kind != room.kind:
        raise missing_room()
    room = stored
    own = Membership.objects.filter(room=room, user=person).first()
    if own is None:
        _add(actor, room, person, role)
    elif room.is_open and not permissions.acts_on(own.role, Role.MEMBER):
        _give_role(own, room, role)
    else:
        raise ApiError("bad_frame", format_lazy(_("{name} is in this list already."), name=person.name))
    action = ModerationAction.CHANGE_ROLE if room.is_open else ModerationAction.ADD_MEMBER
    audit(action, actor, room, person, role, address)


def find_by_name(name: str) -> int | None:
    """Return the primary key of the person with a name, as typed."""
    try:
        key = NameKeys.of(names.clean(name, MAX_NAME_LENGTH)).key
    except ValueError:
        return None
    return User.objects.filter(name_key=key).values_list("pk", flat=True).first()


def _add(actor: User, room: Room, person: User, role: str) -> None:
    if not room.is_open:
        check_has_place(room)
        if not _can_join(person) or _was_added_often(person):
            detail = _("{name} can't be added. Send them an invitation link.")
            raise ApiError("bad_frame", format_lazy(detail, name=person.name))
        log_event(actor, room, RoomEvent.ADDED, person.name)
        add_newcomer(room, person, role)
    else:  # their first reading may insert it at the same time
        Membership.objects.update_or_create(
            room=room,
            user=person,
            defaults={"role": role},
            create_defaults={"role": role, "last_read": room.last_seq},
        )
        publish_roles([(room.pk, person.pk)])


def _was_added_often(person: User) -> bool:
    """Return whether others have added a person `MAX_ADDED` times lately: their lists fill up."""
    since = timezone.now() - timedelta(days=1)
    added = AuditEntry.objects.filter(action=ModerationAction.ADD_MEMBER, person=person, at__gt=since)
    return added.count() >= MAX_ADDED


def check_has_place(room: Room) -> None:
    """Raise `ApiError` if a private room has as many members as it can have."""
    if Membership.objects.filter(room=room).count() >= MAX_MEMBERS:
        raise ApiError("forbidden", _("This room is full."))


@transaction.atomic
def set_role(actor: User, room: Room, person: int, role: str, address: str = "") -> None:
    """Change the role of a member. Raise `ApiError`; a private room keeps at least one owner."""
    member = _lock_member(actor, room, person, (RoomKind.PRIVATE, RoomKind.OPEN))
    if role not in Role:
        raise ApiError("bad_frame", _("This role doesn't exist."))
    if not permissions.can_manage(actor, room, permissions.load_role(actor, room)):
        raise ApiError("forbidden", _("Only owners can change roles."))
    permissions.check_site_rules(actor, room)
    if member.role == role:
        return
    if member.role == Role.OWNER and not room.is_open:
        _check_other_owner(room, person)
    if permissions.acts_on(member.role, role):  # by a link with a higher role the person would get it back
        _revoke(Invitation.objects.filter(Q(inviter=person) | ~Q(role=Role.MEMBER), room=room))
    _give_role(member, room, role)
    audit(ModerationAction.CHANGE_ROLE, actor, room, member.user, role, address)


def _give_role(member: Membership, room: Room, role: str) -> None:
    member.role = role
    member.save(update_fields=["role"])
    publish_roles([(room.pk, member.user_id)])


def check_keeps_owner(room: Room, person: int) -> None:
    """Raise `ApiError` if a room with other members would have no owner without this person."""
    is_owner = Membership.objects.filter(room=room, user=person, role=Role.OWNER).exists()
    if is_owner and _others(room, person).exists():
        _check_other_owner(room, person)


def check_can_join(person: User) -> None:
    """Raise `ApiError` if a person is in as many private rooms as one can be."""
    if not _can_join(person):
        detail = _("You can be in at most {most} private rooms. Leave one first.")
        raise ApiError("forbidden", format_lazy(detail, most=MAX_PRIVATE_ROOMS))


def _can_join(person: User) -> bool:
    own = Membership.objects.filter(user=person, is_request=False).exclude(room__kind=RoomKind.OPEN)
    return own.count() < MAX_PRIVATE_ROOMS


def add_newcomer(room: Room, person: User, role: str) -> None:
    """Make a person a member of a private room. The caller has just logged that they join.

    In a room that hides its history, they see the log from that event on.
    """
    first_seq = 0 if room.history == History.ALL else room.last_seq
    add_member(room, person, role=role, last_read=room.last_seq, first_seq=first_seq)


def add_member(room: Room, person: User, **fields: object) -> None:
    """Make a person a member of a room. Their lists have it, unless it is a request: see `Membership`."""
    membership = Membership.objects.create(user=person, room=room, **fields)
    if not membership.is_request:
        transaction.on_commit(lambda: unread_changes.publish_changed_memberships(person.pk, [room.pk]))


def accept_requests(pairs: Collection[tuple[int, int]]) -> None:
    """Show direct rooms in people's lists, whoever opened them. Pairs are the keys of a room and a person."""
    if not pairs:
        return
    rooms, people = {room for room, _person in pairs}, {person for _room, person in pairs}
    requests = Membership.objects.filter(is_request=True, room__in=rooms, user__in=people)
    for pk, room, person in sorted(requests.values_list("pk", "room", "user")):
        if (room, person) in pairs:
            Membership.objects.filter(pk=pk).update(is_request=False)
            publish = partial(unread_changes.publish_changed_memberships, person, [room])
            transaction.on_commit(publish)


def publish_requests(rooms: Collection[int]) -> None:
    """Publish that people have news in direct rooms that others opened: their lists may not have these."""
    if not rooms:
        return
    requests = Membership.objects.filter(is_request=True, room__in=rooms)
    for person, room in requests.values_list("user", "room"):
        publish = partial(unread_changes.publish_changed_memberships, person, [room])
        transaction.on_commit(publish)


def publish_first_message(room: Room) -> None:
    """Publish that a direct room has its first message, and is listed for all its people."""
    for person in Membership.objects.filter(room=room).values_list("user", flat=True):
        publish = partial(unread_changes.publish_changed_memberships, person, [room.pk])
        transaction.on_commit(publish)


def hand_over(person: User, heir: User | None, is_gone: bool = True) -> None:
    """Hand over a person's private rooms to the account of a guest who signs in.

    Without an heir, rooms that would have no owner go to the member with the highest role who came first,
    and a person who is gone for good leaves all; rooms without other members are deleted. It does not hand
    over direct rooms that others have opened without a message (a stranger who only opens one would learn
    the account), and of roles in open rooms only the newest `MAX_ROLES`.
    """
    own = Membership.objects.filter(user=person).exclude(room__kind=RoomKind.OPEN).select_related("room")
    if heir:
        requests = own.filter(is_request=True).exclude(
            room__in=Membership.objects.filter(user=heir).values("room")
        )
        _drop(requests.filter(room__last_message_at=None))
        latest = requests.order_by("-room__last_message_at", "-pk").values_list("pk", flat=True)
        surplus = list(latest[MAX_TAKEN_REQUESTS:])
        _move(own.exclude(pk__in=surplus), person, heir)
        Membership.objects.filter(pk__in=surplus).update(user=heir, star=None)
        return
    held = list(own.values_list("room", "role", "room__kind"))
    rooms = [room for room, _role, _kind in held]
    owned = [room for room, role, _kind in held if role == Role.OWNER]
    locks.lock_rooms(rooms if is_gone else owned)
    _appoint_owners(person, owned)
    if is_gone:
        _publish_titles({room for room, _role, kind in held if kind == RoomKind.DIRECT})
        _end(own, rooms)
        _revoke(Invitation.objects.filter(inviter=person))


def _drop(requests: QuerySet[Membership]) -> None:
    """Delete requests that are not handed over: see `hand_over`."""
    dropped = dict(requests.values_list("pk", "room"))
    Membership.objects.filter(pk__in=dropped).delete()
    _publish_titles(set(dropped.values()))


def hand_over_records(person: User, heir: User | None, is_gone: bool = True) -> None:
    """Hand over a guest's reports and audit entries to the account to which the guest signs in.

    Remove the name, the addresses and the words of a person who is gone for good from the audit log, also
    those of the guests who signed in to the account. The words are those of reports and of closed rooms.
    """
    if heir:
        same = Report.objects.filter(user=heir, message=OuterRef("message"), seq=OuterRef("seq"))
        Report.objects.filter(~Exists(same), user=person).update(user=heir)
        AuditEntry.objects.filter(actor=person).update(actor=heir)
        AuditEntry.objects.filter(person=person).update(person=heir)
    elif is_gone:
        people = User.objects.filter(Q(pk=person.pk) | Q(heir=person)).values("pk")
        done = AuditEntry.objects.filter(actor__in=people)
        done.filter(action=ModerationAction.REPORT).update(reason="")
        purge.forget_words(done.exclude(room__kind=RoomKind.OPEN))
        done.update(actor_name=DELETED, address="")
        AuditEntry.objects.filter(person__in=people).update(person_name=DELETED)


def list_handed_over(person: User) -> list[str]:
    """Return the titles of the first rooms that `hand_over` would hand over.

    Others in them learn which account the guest has, so the person is asked.
    """
    own = Membership.objects.filter(user=person)
    closed = own.exclude(room__kind=RoomKind.OPEN).exclude(is_request=True, room__last_message_at=None)
    with_role = own.filter(room__kind=RoomKind.OPEN).exclude(role=Role.MEMBER)
    found = permissions.all_rooms().filter(pk__in=(closed | with_role).values("room"))
    titles = (
        found.annotate(seen=title_for(person.pk)).order_by("-last_message_at").values_list("seen", "name")
    )
    return [title or name for title, name in titles[:MAX_NAMED]]


def _move(private: QuerySet[Membership], person: User, heir: User) -> None:
    """Move a person's private rooms, and the roles in open ones, to another person.

    Staff take over the open rooms whose owner is not moved.
    """
    of_open = Membership.objects.filter(user=person, room__kind=RoomKind.OPEN).exclude(role=Role.MEMBER)
    moving = [*private, *of_open.select_related("room").order_by("-pk")[:MAX_ROLES]]
    rooms = [membership.room_id for membership in moving]
    locked = locks.lock_rooms(rooms)
    known = {each.room_id: each for each in Membership.objects.filter(user=heir, room__in=rooms)}
    for membership in moving:
        room = locked.get(membership.room_id)
        if room and room.people:  # as now stored: another of them may have signed in at the same moment
            _change_people(room, person, heir)
        if own := known.get(membership.room_id):
            _merge(membership, own)
    moved = [membership.pk for membership in moving if membership.room_id not in known]
    Membership.objects.filter(pk__in=moved).update(user=heir, star=None)
    Invitation.objects.filter(room__in=rooms, inviter=person).update(inviter=heir)
    transaction.on_commit(lambda: unread_changes.publish_changed_memberships(heir.pk, rooms))
    publish_roles([(each.room_id, heir.pk) for each in moving if each.role != Role.MEMBER])
    _publish_titles({each.room_id for each in moving if each.room.kind == RoomKind.DIRECT})


def _change_people(room: Room, person: User, heir: User) -> None:
    """Replace a person of a direct room by another one."""
    people = room.person_keys - {person.pk} | {heir.pk}
    key: str | None = Room.key_of_people(people)
    if len(people) == 1 or permissions.all_rooms().filter(people=key).exists():
        key = None  # they find the other direct room that they have; both stay in their lists
    permissions.all_rooms().filter(pk=room.pk).update(people=key)


def _merge(membership: Membership, own: Membership) -> None:
    """Merge a membership into that of another person, who keeps the higher role and the longer history."""
    own.role = max(own.role, membership.role, key=permissions.RANKS.index)
    own.first_seq = min(own.first_seq, membership.first_seq)
    own.is_request = own.is_request and membership.is_request
    own.save(update_fields=["role", "first_seq", "is_request"])
    membership.delete()


def _appoint_owners(person: User, rooms: Collection[int]) -> None:
    """Make another active member an owner of each room, which are locked: see `hand_over`."""
    others = _active_others(OuterRef("pk"), person.pk).order_by(permissions.HIGHEST_FIRST, "pk")
    heirs = permissions.all_rooms().filter(pk__in=rooms).values_list(Subquery(others.values("pk")[:1]))
    rows = Membership.objects.filter(pk__in=[pk for (pk,) in heirs]).order_by("user", "room")
    locked = list(rows.select_for_update())  # in the order of `mark_read`
    Membership.objects.filter(pk__in=[row.pk for row in locked]).update(role=Role.OWNER)
    publish_roles([(row.room_id, row.user_id) for row in locked])


def _active_others(room: Room | OuterRef, person: int) -> QuerySet[Membership]:
    return Membership.objects.filter(room=room, user__is_active=True).exclude(user=person)


def _others(room: Room, person: int) -> QuerySet[Membership]:
    """Return the memberships of the other active people of a room, which stays locked."""
    locks.lock_rooms([room.pk])
    return _active_others(room, person)


def _check_other_owner(room: Room, person: int) -> None:
    if not _others(room, person).filter(role=Role.OWNER).exists():
        raise ApiError("forbidden", _("You're the only owner. Make somebody else an owner first."))


def end_membership(person: int, room: Room) -> None:
    """Delete a membership of a person who is locked, so that no message of theirs is stored later.

    A private room that has lost its last member is deleted: lock it, unless another member stays.
    """
    own = Membership.objects.filter(user=person, room=room)
    has_role = own.exclude(role=Role.MEMBER).exists()
    _end(own, [room.pk])
    _revoke(Invitation.objects.filter(room=room, inviter=person))
    transaction.on_commit(lambda: unread_changes.publish_left(person, room.pk, room.name))
    if not room.is_open:
        publish_revocation((person, room.key))
    elif has_role:
        publish_roles([(room.pk, person)])


def end_all_memberships(room: Room) -> None:
    """Delete all memberships of a private room that is locked, and close its sockets."""
    rows = Membership.objects.filter(room=room).order_by("user")  # in the order of `mark_read`
    people = list(rows.select_for_update().values_list("user", flat=True))
    rows.delete()
    transaction.on_commit(lambda: unread_changes.publish_archived(people, room.pk, room.name, True))
    publish_revocation(*[(person, room.key) for person in people])


def _end(memberships: QuerySet[Membership], rooms: Collection[int]) -> None:
    """Delete memberships in rooms that are locked, and private ones that then have no members."""
    memberships.delete()
    purge.delete_if_empty(rooms)


def _revoke(invitations: QuerySet[Invitation]) -> None:
    invitations.filter(revoked_at=None).update(revoked_at=timezone.now())


def on_user_renamed(
    instance: User, created: bool, update_fields: frozenset[str] | None, **signal: object
) -> None:
    """Publish the new titles of a renamed person's direct rooms. Receiver of `post_save`."""
    if created or not may_change(update_fields, "name"):
        return
    own = Membership.objects.filter(user=instance, room__kind=RoomKind.DIRECT)
    _publish_titles(set(own.values_list("room", flat=True)))


def _publish_titles(rooms: Collection[int]) -> None:
    """Publish that direct rooms have other titles once the transaction is committed."""
    if rooms:
        transaction.on_commit(lambda: unread_changes.publish_changed_rooms(rooms))


def audit(
    action: ModerationAction,
    actor: User,
    room: Room | None,
    person: User | None = None,
    reason: str = "",
    address: str = "",
    number: int | None = None,
) -> None:
    """Store an audit entry of a moderator's or owner's action, or of a report.

    Name the account of a guest who has signed in.
    """
    person = person and (person.heir or person)
    AuditEntry.objects.create(
        action=action,
        actor=actor,
        actor_name=actor.name,
        person=person,
        person_name=person.name if person else "",
        room=room,
        room_name=room.label if room else "",
        number=number,
        reason=reason,
        address=address,
    )


def _lock_member(
    actor: User, room: Room, person: int, kinds: Collection[str] = (RoomKind.PRIVATE,)
) -> Membership:
    """Lock both people, as sending a message does. Return the person's membership as now stored.

    Raise `ApiError` if the person is not in the room, or the actor is silenced.
    """
    people = queries.lock_active_people({actor.pk, person})
    queries.check_not_silenced(queries.get_stored(people, actor))
    found = permissions.listed_memberships(room).filter(user=person).select_related("user").first()
    is_inside = room.is_open or permissions.load_role(actor, room) is not None
    if room.kind not in kinds or found is None or not is_inside:
        raise ApiError("not_found", _("This person isn't in the room."))
    return found
