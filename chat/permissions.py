"""Permissions: who may see and enter a room, and who may write and change messages in it.

Everybody may enter an open room; a private room is for its members. All access to rooms and messages goes
through this module, and no other module reads `Room.objects` or `Message.objects` (a test checks it). A
forbidden room gets the same response as a missing one.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, Exists, Model, OuterRef, Q, QuerySet, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import queries
from accounts.models import User
from base.api_errors import ApiError
from base.rooms import is_private, require_room
from chat.models import (
    ARCHIVED,
    FormerName,
    Ignored,
    Membership,
    Message,
    Role,
    Room,
    RoomKind,
    SiteRules,
    SiteWriters,
    Writers,
)

# The roles of people in rooms, by the primary keys of a room and a person. People without a membership have
# no entry.
Roles = Mapping[tuple[int, int], str]

# Roles, lowest first: a moderator acts on those with a lower role.
RANKS: list[str | None] = [None, Role.MEMBER, Role.MODERATOR, Role.OWNER]

# The same as an order of memberships, highest first.
HIGHEST_FIRST = Case(*(When(role=role, then=-rank) for rank, role in enumerate(RANKS) if role))

# What the site's rules may require of people who write in open rooms.
REQUIREMENTS = {
    "account": _("Sign up to write here."),
    "approval": _("You can write here once the site's staff have approved you."),
}

M = TypeVar("M", bound=Model)

# The user of a request or a socket, or its primary key; AnonymousUser or None without a session.
Visitor = User | AnonymousUser | int | None


def visible_rooms(visitor: Visitor) -> QuerySet[Room]:
    """Return the rooms that a visitor may see and enter."""
    pk = _pk(visitor)
    if pk is None:
        return all_rooms().filter(kind=RoomKind.OPEN)
    own = Membership.objects.filter(user=pk).values("room")
    return all_rooms().filter(Q(kind=RoomKind.OPEN) | Q(pk__in=own))


def visible_messages(visitor: Visitor, rooms: Collection[int]) -> QuerySet[Message]:
    """Return the messages of rooms, by their primary keys, that a visitor may read."""
    # With `room__in`, SQLite would look for each message in each of the rooms.
    visible = visible_rooms(visitor).filter(pk__in=rooms, pk=OuterRef("room"))
    return without_hidden(all_messages(), visitor).filter(Exists(visible))


def without_hidden(rows: QuerySet[M], visitor: Visitor, number: str = "number") -> QuerySet[M]:
    """Return rows without those from before a visitor joined a room that hides them: see `Membership`.

    `rows` are messages, or others with a room and the number of a message in a field.
    """
    hidden = Membership.objects.filter(
        user=_pk(visitor), room=OuterRef("room"), first_seq__gt=OuterRef(number)
    )
    return rows.filter(~Exists(hidden))


def enter(visitor: Visitor, name: str) -> Room:
    """Return the room with a clean name. Raise `ApiError` (`not_found`) unless the visitor may enter it."""
    room: Room = require_room(visitor, name)  # by way of the setting ENTER_ROOMS, which is `enter_all`
    return room


def enter_all(wanted: Collection[tuple[int | None, str]]) -> dict[tuple[int | None, str], Room]:
    """Return the rooms for pairs of a user's primary key and a room's key, with the same queries for all.

    Omit rooms that are missing or that the user may not enter: a private room is looked for among the user's
    memberships, so that both take the same time. For one of these rooms, `messages_of` returns the messages
    that the user may read.
    """
    admissions = _load_admissions({(pk, key) for pk, key in wanted if pk and is_private(key)})
    rooms = _find_rooms({key for _, key in wanted}, {key for _, key in admissions})
    found = {}
    for pk, key in wanted:
        room = rooms.get(key)
        if room and room.is_open:
            found[pk, key] = room
        elif room and pk and (admission := admissions.get((pk, key))):
            found[pk, key] = room.entered_by(*admission)
    return found


def with_access(wanted: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return those pairs of a room's and a person's primary keys in which the person may enter the room."""
    rooms = {room for room, _ in wanted}
    closed = set(all_rooms().filter(pk__in=rooms).exclude(kind=RoomKind.OPEN).values_list("pk", flat=True))
    members = load_roles({pair for pair in wanted if pair[0] in closed})
    return {pair for pair in wanted if pair[0] not in closed or pair in members}


def load_roles(pairs: Collection[tuple[int, int]]) -> Roles:
    """Return the roles of people in rooms, for pairs of a room's and a person's primary keys."""
    if not pairs:
        return {}
    rooms, people = {room for room, _ in pairs}, {person for _, person in pairs}
    found = Membership.objects.filter(room__in=rooms, user__in=people).values_list("room", "user", "role")
    return {(room, user): role for room, user, role in found if (room, user) in pairs}


def load_higher_roles(pairs: Collection[tuple[int, int]]) -> Roles:
    """Return the roles above that of a member, for pairs of a room's and a person's primary keys."""
    rooms, people = {room for room, _ in pairs}, {person for _, person in pairs}
    higher = RANKS[RANKS.index(Role.MODERATOR) :]
    members = Membership.objects.filter(room__in=rooms, user__in=people, role__in=higher)
    found = members.values_list("room", "user", "role")
    return {(room, user): role for room, user, role in found if (room, user) in pairs}


def load_role(visitor: Visitor, room: Room) -> str | None:
    """Return a visitor's role in a room; None without a membership."""
    pk = _pk(visitor)
    return load_roles({(room.pk, pk)}).get((room.pk, pk)) if pk else None


def memberships_of(people: Collection[int]) -> QuerySet[Membership]:
    """Return the memberships of people in rooms that they may still enter."""
    return Membership.objects.filter(user__in=people)


def can_be_in(user: User | None, room: Room, role: str | None) -> bool:
    """Return whether a user may be in a room; None is a new guest. Both were read in this transaction."""
    return room.is_open if user is None else _may_act(user, room, role)


def can_write(user: User, room: Room, role: str | None) -> bool:
    """Return whether a user may send in a room. `user` and `role` were read in this transaction."""
    is_allowed = room.writers == Writers.EVERYONE or can_moderate(user, room, role)
    return _may_act(user, room, role) and is_allowed and not user.is_silenced


def find_requirement(user: User | None, rules: SiteRules) -> str:
    """Return what a user lacks to write in open rooms: a key of `REQUIREMENTS`, or an empty string.

    `user` is None for a guest not yet created.
    """
    is_trusted = user is not None and (user.is_staff or user.is_approved)
    if rules.writers == SiteWriters.EVERYONE or is_trusted:
        return ""
    if rules.writers == SiteWriters.APPROVED:
        return "approval"
    return "account" if user is None or user.is_guest else ""


def check_site_rules(user: User | None, room: Room) -> None:
    """Raise `ApiError` (`forbidden`) if the site's rules keep a user from writing in a room.

    The rules do not restrict private and direct rooms, whose members were invited.
    """
    if room.is_open and (requirement := find_requirement(user, SiteRules.current())):
        raise ApiError("forbidden", REQUIREMENTS[requirement])


def is_new_guest(user: User | None, rules: SiteRules) -> bool:
    """Return whether a user is a new guest by the site's rules. None, a guest not yet created, is one."""
    if not rules.guest_minutes or user is None:
        return bool(rules.guest_minutes)
    since = timezone.now() - timedelta(minutes=rules.guest_minutes)
    return user.is_guest and not user.is_approved and user.date_joined > since


def pause_between(user: User | None, room: Room, role: str | None) -> int:
    """Return how long a user or a new guest must wait between two messages in a room (seconds)."""
    return 0 if user and can_moderate(user, room, role) else room.slow_mode


def depends_on_role(room: Room) -> bool:
    """Return whether a person's role decides about what they may write in a room."""
    return not room.is_open or room.writers != Writers.EVERYONE or bool(room.slow_mode)


def can_sanction(user: User | AnonymousUser, person: User) -> bool:
    """Return whether a user may silence and ban a person: staff may, but not other staff."""
    return user.is_active and user.is_staff and not person.is_staff


def can_moderate(user: User | AnonymousUser, room: Room, role: str | None) -> bool:
    """Return whether a user with a role may remove what others wrote in a room.

    Its moderators and owners may, and staff in open rooms.
    """
    is_staff = user.is_staff and room.is_open
    return user.is_active and (is_staff or acts_on(role, Role.MEMBER))


def can_manage(user: User | AnonymousUser, room: Room, role: str | None) -> bool:
    """Return whether a user with a role may add people to a room, and change roles.

    Its owners may, and staff in open rooms.
    """
    return user.is_active and (role == Role.OWNER or (user.is_staff and room.is_open))


def can_change(user: User | AnonymousUser, room: Room, role: str | None) -> bool:
    """Return whether a user with a role may change a room's settings, archive it, and rename a private one.

    Its owners may, and staff in open rooms. A direct room has no settings.
    """
    if room.kind == RoomKind.DIRECT:
        return False
    return user.is_active and (role == Role.OWNER or (user.is_staff and room.is_open))


def can_delete_room(user: User | AnonymousUser, room: Room, role: str | None) -> bool:
    """Return whether a user with a role may delete a room: owners of private ones may.

    The name of an open room would make a new one at once: it can be archived.
    """
    return user.is_active and room.kind == RoomKind.PRIVATE and role == Role.OWNER


def can_add(actor: User, person: User, room: Room, present: Collection[int]) -> bool:
    """Return whether somebody who manages a room may add a person to it, or make them a moderator there.

    To a private room they add people with whom they share a private room, or a direct one in which the
    person has written, unless the person ignores them; in an open room, people whom they can message.
    """
    if room.is_open:
        return can_message(person.pk, room, present)
    is_known = known_memberships(actor).filter(user=person).exists()
    return is_known and not Ignored.objects.filter(user=person, person=actor).exists()


def known_memberships(visitor: Visitor) -> QuerySet[Membership]:
    """Return the memberships by which a visitor may add people to private rooms, and message them by name.

    Their people are in a private room with the visitor, or in a direct one that they opened or answered in.
    """
    own = Membership.objects.filter(user=_pk(visitor)).exclude(room__kind=RoomKind.OPEN)
    return Membership.objects.filter(is_request=False, room__in=own.values("room"))


def listed_memberships(room: Room) -> QuerySet[Membership]:
    """Return the memberships that the page of a room's members shows: of an open room, those with a role."""
    found = Membership.objects.filter(room=room)
    return found.exclude(role=Role.MEMBER) if room.is_open else found


def can_message(person: int, room: Room, present: Collection[int]) -> bool:
    """Return whether people who may enter a room may open a direct room with a person.

    The person is among those present there, has written there, or is a member of a private room.
    """
    is_member = not room.is_open and Membership.objects.filter(user=person, room=room).exists()
    return person in present or is_member or messages_of(room).filter(author=person).exists()


def unreachable(count: int = 1) -> ApiError:
    """Return the error if a person is missing or may not be messaged. It does not say who, or why."""
    one, several = _("This person can't be reached."), _("One of these people can't be reached.")
    return ApiError("not_found", one if count == 1 else several)


def acts_on(role: str | None, other: str | None) -> bool:
    """Return whether a role outranks another, and is at least moderator."""
    is_moderator = RANKS.index(role) >= RANKS.index(Role.MODERATOR)
    return is_moderator and RANKS.index(role) > RANKS.index(other)


def can_edit(user: User, message: Message, role: str | None) -> bool:
    """Return whether a user with a role may edit a message: only its author may, in a room not archived."""
    is_own = message.author_id == user.pk and message.event is None
    return is_own and not message.room.archived_at and can_write(user, message.room, role)


def can_delete(user: User, message: Message, role: str | None, author_role: str | None) -> bool:
    """Return whether a user with a role may delete a message of an author with another one.

    Its author may, and staff in open rooms, and moderators unless the author has their role or a higher one,
    or was staff in an open room. Room events can't be deleted.
    """
    if message.event is not None:
        return False
    if message.author_id == user.pk:
        return _may_act(user, message.room, role)
    is_staff = user.is_staff and message.room.is_open
    is_above = message.room.is_open and message.author_is_staff
    return user.is_active and (is_staff or (acts_on(role, author_role) and not is_above))


def messages_of(room: Room | int | OuterRef) -> QuerySet[Message]:
    """Return a room's messages; if `enter` returned the room, only those that the visitor may read.

    Otherwise the caller checks which of them the visitor may read.
    """
    found = all_messages().filter(room=room)
    if isinstance(room, Room) and room.first_seq:
        found = found.filter(number__gte=room.first_seq)
    return found


def all_rooms() -> QuerySet[Room]:
    """Return every room, for code that acts for no visitor or has checked the visitor before."""
    return Room.objects.all()


def all_messages() -> QuerySet[Message]:
    """Return every message; see `all_rooms`."""
    return Message.objects.all()


def check_edit(user: User, message: Message | None, roles: Roles) -> Message:
    """Return the message if the user may edit it. Raise `ApiError` otherwise."""
    found = _check_exists(message)
    queries.check_not_silenced(user)
    check_site_rules(user, found.room)
    if found.room.archived_at:
        raise ApiError("forbidden", ARCHIVED)
    return _check(found, can_edit(user, found, roles.get((found.room_id, user.pk))))


def check_delete(user: User, message: Message | None, roles: Roles) -> Message:
    """Return the message if the user may delete it. Raise `ApiError` otherwise.

    A removed message may be deleted again, which deletes the reason, but not by its author. Removal
    requires permission to write, because everyone sees the reason.
    """
    is_own = message is not None and message.author_id == user.pk
    found = message if message and message.removal_reason and not is_own else _check_exists(message)
    if not is_own:
        queries.check_not_silenced(user)
        check_site_rules(user, found.room)
        if found.room.archived_at and not (user.is_staff and found.room.is_open):
            raise ApiError("forbidden", ARCHIVED)
    role, author_role = (roles.get((found.room_id, person)) for person in (user.pk, found.author_id))
    return _check(found, can_delete(user, found, role, author_role))


def _check_exists(message: Message | None) -> Message:
    if message is None or message.deleted_at:
        raise ApiError("not_found", _("This message no longer exists."))
    return message


def _check(message: Message, is_allowed: bool) -> Message:
    if not is_allowed:
        raise ApiError("forbidden", _("You can only edit or delete your own messages."))
    return message


def _may_act(user: User, room: Room, role: str | None) -> bool:
    return user.is_active and (room.is_open or role is not None)


def _load_admissions(pairs: Collection[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, int]]:
    """Return primary key and `first_seq` of the memberships of pairs of a person and a private room's key."""
    if not pairs:
        return {}
    people, keys = {pk for pk, _ in pairs}, {key for _, key in pairs}
    members = Membership.objects.filter(user__in=people, room__key__in=keys)
    found = members.values_list("user", "room__key", "pk", "first_seq")
    return {(user, key): (pk, first_seq) for user, key, pk, first_seq in found if (user, key) in pairs}


def _find_rooms(keys: set[str], admitted: set[str]) -> dict[str, Room]:
    """Return the rooms for keys, also for those of former names; of private rooms, the `admitted` ones."""
    found = all_rooms().filter(key__in={key for key in keys if not is_private(key)} | admitted)
    rooms = {room.key: room for room in found}
    if missing := keys - rooms.keys():
        former = FormerName.objects.filter(key__in=missing).select_related("room")
        rooms |= {each.key: each.room for each in former}
    return rooms


def _pk(visitor: Visitor) -> int | None:
    return visitor if visitor is None or isinstance(visitor, int) else visitor.pk
