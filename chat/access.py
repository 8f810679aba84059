"""What actions check and lock: names, people, messages. Who may enter a room says `permissions`."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat import mail, permissions
from chat.likeness import likeness
from chat.models import Message, RestingName, Room, User
from live import Refused, SetBack, names

# How long guests keep their names when nothing is heard of them.
AWAY = timedelta(hours=24)

# How long a transaction that has locks waits for another one (seconds). It is tried again.
LOCK_WAIT = 0.1

M = TypeVar("M", bound=Model)


def room_name(raw: str) -> str:
    """The clean name of the room that an address asks for."""
    try:
        return names.clean_room(raw)
    except ValueError as error:
        raise Refused("not_found", str(error)) from None


def new_room_name(name: str) -> str:
    """The clean name of a room that is not there yet: nobody may take it for another one."""
    try:
        return names.check_visible(name)
    except ValueError as error:
        raise Refused("not_found", str(error)) from None


def wait_briefly() -> None:
    """Wait for locks only a moment in this transaction: meanwhile, others wait for those that it has."""
    if connection.features.has_select_for_update:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = %s", [f"{LOCK_WAIT}s"])


def lock_rooms(pks: Collection[int]) -> dict[int, Room]:
    """Keep others from the rooms' logs until the transaction ends. Returns the rooms as now stored."""
    return _locked(permissions.all_rooms().filter(pk__in=pks))


def lock_logs(rooms: Collection[Room]) -> None:
    """`lock_rooms` for rooms as they were read. Raises `SetBack` where a log is not there any more."""
    stored = {(room.pk, room.epoch) for room in lock_rooms({room.pk for room in rooms}).values()}
    if not stored.issuperset((room.pk, room.epoch) for room in rooms):
        raise SetBack


def own_message(user: User, message: Message | None) -> Message:
    """The user's message, to be changed."""
    if message is None or message.deleted_at:
        raise Refused("not_found", _("there is no such message"))
    if not permissions.can_change(user, message):
        raise Refused("forbidden", _("it is somebody else's message"))
    return message


def free_names(candidates: Iterable[str], user: User | None = None) -> list[str]:
    """Those that the user may take, as far as can be known before one is taken."""
    by_key = {likeness(name): name for name in candidates}
    held = User.objects.filter(name_key__in=by_key).values_list("name_key", flat=True)
    resting = resting_names(by_key, user).values_list("key", flat=True)
    taken = set(held.union(resting, all=True))
    return [name for key, name in by_key.items() if key not in taken]


def holder(name: str) -> User | None:
    """Whose name that is, or one that looks like it."""
    return User.objects.filter(name_key=likeness(name)).first()


def resting_names(keys: Collection[str], user: User | None) -> QuerySet[RestingName]:
    """Those that were given up a moment ago, and not by the user."""
    resting = RestingName.objects.filter(key__in=keys, until__gt=timezone.now())
    return resting.exclude(last_holder=user.pk) if user else resting


def is_away(user: User) -> bool:
    """Whether it is a guest who may lose the name to somebody else: an account keeps it for good."""
    since = timezone.now() - AWAY
    is_silent = not permissions.all_messages().filter(author=user, created_at__gt=since).exists()
    return user.is_guest and (user.seen_at or user.date_joined) < since and is_silent


def confirming(token: str) -> User:
    """The user whose address a link confirms."""
    user = User.objects.filter(pk=mail.confirmed_by(token), is_active=True).first()
    if user is None or not mail.is_confirmed_by(user, token):
        raise Refused("not_found", _("This link does not work any more"))
    return user


def active(user: User) -> User:
    """The user as now stored, locked until the transaction ends: one change at a time for each."""
    return one_of(active_people({user.pk}), user)


def account(user: User) -> User:
    """`active`, for an administrator: also one who is deactivated."""
    return one_of(_locked(User.objects.filter(pk=user.pk)), user)


def active_people(pks: Collection[int]) -> dict[int, User]:
    """`active`, for several; who may not come any more is not among them."""
    return _locked(User.objects.filter(pk__in=pks, is_active=True))


def one_of(people: dict[int, User], user: User) -> User:
    """The user as now stored. After a restore, another user may have the primary key."""
    stored = people.get(user.pk)
    if stored is None or stored.date_joined != user.date_joined:
        raise Refused("forbidden", _("you are signed out"))
    return stored


def _locked(rows: QuerySet[M]) -> dict[int, M]:
    return {row.pk: row for row in rows.order_by("pk").select_for_update(no_key=True)}
