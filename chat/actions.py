"""Every change of state that somebody asks for: check, commit, announce.

What workers write is in `exports` and `purge`; nothing else writes.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.text import format_lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

import live
from chat import access, exports, mail, mentions, news, permissions, protocol, spelling
from chat.changes import Change, Changes
from chat.drafts import Draft, Drafts
from chat.likeness import likeness
from chat.models import Export, Involvement, Membership, Message, RestingName, Room, User
from chat.names import DELETED, RESTING, TAKEN, clean_person, guest_names, names_like
from live import Refused, names

# The precision of `User.seen_at`.
SEEN_EVERY = timedelta(hours=1)

# How many people are noted in one statement.
MOST_AT_ONCE = 1000

# How long nobody else may take a name that was given up.
REST = timedelta(days=1)

# How many names that a person has left rest at the same time, so that renaming reserves few.
MOST_RESTING = 3

# What is written to a room's log; the message that came of it, and whether it is new or changed.
Entry = Draft | Change
Written = tuple[Message, bool]

# Never backwards nor beyond the log, and nothing for who has gone. In one statement, for which Django has no
# words.
READ = """
    INSERT INTO chat_membership (user_id, room_id, last_read)
    SELECT person.id, room.id, CASE WHEN room.last_seq < %s THEN room.last_seq ELSE %s END
    FROM chat_user person CROSS JOIN chat_room room
    WHERE person.id = %s AND person.date_joined = %s AND person.is_active AND room.id = %s AND room.epoch = %s
    ON CONFLICT (user_id, room_id) DO UPDATE SET last_read = excluded.last_read
    WHERE chat_membership.last_read < excluded.last_read
"""


class Member(NamedTuple):
    """A person and a room whose log they read. After a restore, others may have the primary keys."""

    person: int
    joined: datetime
    room: int
    epoch: str

    @classmethod
    def of(cls, user: User, room: Room) -> "Member":
        return cls(user.pk, user.date_joined, room.pk, room.epoch)


def create_guest() -> User:
    """A person without an account, under a name that was made up and that nobody else has."""
    guest = {"password": make_password(None), "is_guest": True, "seen_at": timezone.now()}

    def create(name: str) -> User:
        username = f"guest-{get_random_string(16)}"
        return User.objects.create(username=username, name=name, name_key=likeness(name), **guest)

    return _with_free_name(guest_names(), create)


def note_visit(user: User) -> User:
    """Somebody is here: they keep their name, or have one again."""
    now = timezone.now()
    if user.seen_at is None or user.seen_at < now - SEEN_EVERY:
        User.objects.filter(pk=user.pk).update(seen_at=now)
    return user if user.name_key else claim_name(user)


def note_present(people: Collection[int]) -> None:
    """Guests with a tab in a room keep their names. Writes once an hour for each of these people."""
    now, listed = timezone.now(), list(people)
    for start in range(0, len(listed), MOST_AT_ONCE):
        guests = User.objects.filter(pk__in=listed[start : start + MOST_AT_ONCE], is_guest=True)
        if late := list(guests.exclude(seen_at__gte=now - SEEN_EVERY).values_list("pk", flat=True)):
            User.objects.filter(pk__in=late).update(seen_at=now)


def claim_name(user: User) -> User:
    """Let somebody whose name is another's by now have it back if it is free, or one like it."""
    return _with_free_name(names_like(user.name), partial(_claim_name, user), user)


def _with_free_name(candidates: Iterable[str], take: Callable[[str], User], user: User | None = None) -> User:
    """What `take` makes of the first that is free; of the next when somebody takes that one just now."""
    for name in access.free_names(candidates, user):
        try:
            with transaction.atomic():
                return take(name)
        except IntegrityError:
            pass
    raise Refused("unavailable", _("There is no name for you yet."), 1)


def _claim_name(user: User, name: str) -> User:
    user = access.active(user)
    if not user.name_key:
        _call(user, name, likeness(name))
    return user


def rename(user: User, name: str) -> User:
    """Let a person be called otherwise from now on; what was said stays under the old name."""
    try:
        name = clean_person(name)
    except ValueError as error:
        raise Refused("bad_frame", str(error)) from None
    try:
        return _rename(user, name, likeness(name), access.holder(name))
    except IntegrityError:
        raise Refused("bad_frame", TAKEN) from None


@transaction.atomic
def _rename(user: User, name: str, key: str, holder: User | None) -> User:
    people = access.active_people({user.pk, holder.pk} if holder else {user.pk})
    user = access.one_of(people, user)
    if holder and holder.pk != user.pk:
        _take_name(people.get(holder.pk, holder), key)
    _call(user, name, key)
    # Only now, when nobody else can give it up: it rests as soon as it is free.
    if access.resting_names([key], user).exists():
        raise Refused("bad_frame", RESTING)
    return user


def _take_name(holder: User, key: str) -> None:
    """Free it for somebody else, if the holder is a guest who is away and has not lost it just now."""
    if holder.name_key != key:
        return
    if not access.is_away(holder):
        detail = _("Somebody else is called {name}. Choose another name.")
        raise Refused("bad_frame", format_lazy(detail, name=holder.name))
    _with_free_name(names_like(holder.name), partial(_give_name, holder))


def _give_name(user: User, name: str) -> User:
    """Give a user another name. The old one was unused for a day, and need not rest."""
    user.name, user.name_key = name, likeness(name)
    user.save(update_fields=["name", "name_key"])
    return user


@transaction.atomic
def leave_name(guest: User, account: User) -> None:
    """Give up the name of a guest who signs in to an account, which may take it at once."""
    _rest_name(guest.name_key, account.pk)
    User.objects.filter(pk=guest.pk).update(name_key=None)


def rest_names(last_holders: Mapping[str | None, int]) -> None:
    """Keep names that are given up from all but their last holders for a day."""
    until = timezone.now() + REST
    RestingName.objects.bulk_create(
        [RestingName(key=key, last_holder=pk, until=until) for key, pk in last_holders.items() if key],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["last_holder", "until"],
    )


def _rest_name(key: str | None, holder: int) -> None:
    """Let one name rest, and free the oldest resting names of the holder that are too many."""
    rest_names({key: holder})
    latest_first = RestingName.objects.filter(last_holder=holder).order_by("-until")
    too_many = list(latest_first.values_list("pk", flat=True)[MOST_RESTING:])
    RestingName.objects.filter(pk__in=too_many).delete()


def _call(user: User, name: str, key: str) -> None:
    left, user.name, user.name_key = user.name_key, name, key
    user.save(update_fields=["name", "name_key"])
    if left != user.name_key:
        _rest_name(left, user.pk)


def sign_up(user: User, username: str, password: str, email: str) -> User:
    """Give a guest an account. It stays the same person, who has said what was said."""
    hashed = make_password(password)  # this takes long, so nothing is locked meanwhile
    try:
        return _sign_up(user, username, hashed, email)
    except IntegrityError:
        raise Refused("bad_frame", _("A user with that username already exists.")) from None


@transaction.atomic
def _sign_up(user: User, username: str, hashed: str, email: str) -> User:
    user = access.active(user)
    if not user.is_guest:
        raise Refused("forbidden", _("You have signed up already."))
    user.username, user.password, user.is_guest = username, hashed, False
    user.email = User.normalize_address(email)
    user.save(update_fields=["username", "password", "email", "is_guest"])
    _ask_to_confirm(user)
    return user


@transaction.atomic
def change_email(user: User, email: str) -> User:
    """Change or remove an account's address. Until it is confirmed, the old one resets the password."""
    user = access.active(user)
    user.email = User.normalize_address(email)
    if not user.email:
        user.confirmed_email = ""
    user.save(update_fields=["email", "confirmed_email"])
    _ask_to_confirm(user)
    return user


def _ask_to_confirm(user: User) -> None:
    if user.email and not user.is_email_confirmed:
        transaction.on_commit(partial(live.post, mail.confirmation(user)))


@transaction.atomic
def confirm_email(token: str) -> User:
    """Confirm the address to which a link was sent, if it is still the account's."""
    access.active(access.confirming(token))
    user = access.confirming(token)  # again, now that it is locked: the address may have changed
    user.confirmed_email = User.normalize_address(user.email)
    user.save(update_fields=["confirmed_email"])
    return user


def set_password(user: User, password: str) -> User:
    """Another password: whoever is signed in with the old one is signed out."""
    return _set_password(user, make_password(password))


@transaction.atomic
def _set_password(user: User, hashed: str) -> User:
    user = access.active(user)
    user.password = hashed
    user.save(update_fields=["password"])
    return user


@transaction.atomic
def delete_account(user: User) -> None:
    """Forget who somebody was, for good. What was said stays, under the name under which it was said."""
    _empty(access.active(user))


@transaction.atomic
def remove_account(user: User) -> None:
    """Delete an account as an administrator; empty it where something refers to it, such as messages."""
    user = access.account(user)
    try:
        with transaction.atomic():
            rest_names({user.name_key: user.pk})
            user.delete()
    except ProtectedError:
        _empty(user)


def _empty(user: User) -> None:
    rest_names({user.name_key: user.pk})
    user.username, user.password = f"deleted-{get_random_string(16)}", make_password(None)
    user.name, user.name_key, user.first_name, user.last_name = DELETED, None, "", ""
    user.email = user.confirmed_email = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.save()
    user.membership_set.all().delete()
    user.groups.clear()
    user.user_permissions.clear()


def open_room(name: str, visitor: permissions.Visitor = None) -> Room:
    """The room of that clean name, which is made for the first who enters it. Raises `Refused`."""
    access.new_room_name(name)
    new = {"name": name, "spellings": spelling.spellings(name)}
    permissions.all_rooms().get_or_create(key=names.key(name), defaults=new)
    return permissions.enter(visitor, name)


def send(
    author: User | None, room: Room, text: str, client_id: UUID, has_session: bool = True
) -> tuple[Message, bool]:
    """Store a message. One that came before, by its client_id, is returned as it was: (it, False)."""
    return _written(Draft(author, room, text, client_id, has_session))


def edit(author: User, room: Room, number: int, text: str) -> Message:
    """Change what a person has said."""
    message, _ = _written(Change(author, room, number, text))
    return message


def delete(author: User, room: Room, number: int) -> Message:
    """Take back what a person has said. The text is gone; that there was one stays."""
    message, _ = _written(Change(author, room, number, None))
    return message


def _written(entry: Entry) -> Written:
    (outcome,) = write_all([entry])
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


def write_all(entries: Sequence[Entry]) -> list[Written | Refused]:
    """Store messages and changes in one transaction; an entry that is refused leaves the others alone."""
    checked = [_checked(entry) for entry in entries]
    stored = iter(_store([entry for entry in checked if not isinstance(entry, Refused)]))
    return [each if isinstance(each, Refused) else next(stored) for each in checked]


def _checked(entry: Entry) -> Entry | Refused:
    if entry.text is None:
        return entry
    try:
        return entry._replace(text=protocol.check_text(entry.text))
    except Refused as refused:
        return refused


def _store(entries: Sequence[Entry]) -> list[Written | Refused]:
    if not entries:
        return []
    found = mentions.find({entry.text or "" for entry in entries}, {entry.room.pk for entry in entries})
    drafts = [entry for entry in entries if isinstance(entry, Draft)]
    try:
        return _write_all(entries, [draft for draft in drafts if not draft.is_named], found)
    except IntegrityError:  # some of them came before: they are looked for
        return _write_all(entries, drafts, found)


@transaction.atomic
def _write_all(
    entries: Sequence[Entry], doubts: Sequence[Draft], found: mentions.Named
) -> list[Written | Refused]:
    access.wait_briefly()
    # Everywhere, people are locked before rooms, and each in their order: no deadlock.
    people = access.active_people({entry.author.pk for entry in entries if entry.author})
    changing = [entry for entry in entries if isinstance(entry, Change)]
    if doubts or changing:  # what is read then must not change until the transaction ends
        access.lock_logs([entry.room for entry in entries])
    drafts, changes = Drafts(doubts, people), Changes(changing, people)
    outcomes = [_write(entry, drafts, changes) for entry in entries]
    drafts.store(found)
    rooms = changes.store(found) | {room.pk for room, _ in drafts.by_room()}
    for room, messages in (*drafts.by_room(), *changes.by_room()):
        _announce(room, *messages)
    if rooms:
        transaction.on_commit(lambda: news.tell(rooms))
    return outcomes


def _write(entry: Entry, drafts: Drafts, changes: Changes) -> Written | Refused:
    try:
        if isinstance(entry, Change):
            return changes.add(entry), True
        author = drafts.author(entry)
        if earlier := drafts.earlier(entry):
            return earlier, False
        return drafts.add(entry, _named(author)), True
    except Refused as refused:
        return refused


def _named(author: User | None) -> User:
    """Who writes, under a name that is theirs."""
    if author is None:
        return create_guest()
    return author if author.name_key else claim_name(author)


@transaction.atomic
def read_all(reads: Mapping[Member, int]) -> None:
    """Note how far people have read, as a `seq`. Who reads in a room is its member."""
    adapt = connection.ops.adapt_datetimefield_value
    # In one order everywhere, so that no two processes wait for each other.
    rows = [
        (seq, seq, person, adapt(joined), room, epoch)
        for (person, joined, room, epoch), seq in sorted(reads.items())
    ]
    with connection.cursor() as cursor:
        cursor.executemany(READ, rows)


@transaction.atomic
def involve(user: User, room: Room, involvement: str) -> None:
    """Note what of a room somebody wants to be notified of. To choose makes one its member."""
    if involvement not in Involvement:
        raise Refused("bad_frame", format_lazy(_("one of {choices}"), choices=", ".join(Involvement.values)))
    user = access.active(user)
    Membership.objects.update_or_create(
        user=user,
        room=room,
        defaults={"involvement": involvement},
        create_defaults={"involvement": involvement, "last_read": room.last_seq},
    )


def export(owner: User, room: Room, address: str = "") -> Export:
    """Ask for a room's transcript. An unfinished one is returned as it is, a finished one replaced."""
    earlier = Export.objects.filter(owner=owner, room=room)
    if unfinished := earlier.filter(finished_at=None).first():
        live.post(exports.HINT)
        return unfinished
    total, size = exports.extent(room)
    origin = exports.origin_of(address)
    asked = {"room_name": room.name, "upto": room.last_seq, "total": total, "size": size}
    asked |= {"language": get_language(), "origin": origin}
    with transaction.atomic():
        owner = access.active(owner)
        exports.check_space(owner.pk, origin, size, earlier)
        found, _ = Export.objects.get_or_create(owner=owner, room=room, finished_at=None, defaults=asked)
        transaction.on_commit(lambda: live.post(exports.HINT))
    exports.forget(earlier.exclude(finished_at=None).exclude(pk=found.pk))
    return found


def _announce(room: Room, *messages: Message) -> None:
    """Tell every tab in the room, once the changes are stored."""
    transaction.on_commit(lambda: live.publish(room.topic, *map(protocol.event, messages)))
