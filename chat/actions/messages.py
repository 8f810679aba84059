"""Messages: send, edit, delete. All of them are stored in batches."""

from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction

import live
from accounts import queries
from accounts.actions import claim_name, create_guest
from accounts.models import User
from base.api_errors import ApiError
from chat import mentions, protocol
from chat.actions.change_batch import Change, Changes
from chat.actions.message_batch import Draft, Drafts
from chat.models import Message, Room
from chat.queries import locks
from chat.services import unread_changes

# What is written to a room's log; the message that came of it, and whether it is new or changed.
Entry = Draft | Change

Written = tuple[Message, bool]


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
    if isinstance(outcome, ApiError):
        raise outcome
    return outcome


def write_all(entries: Sequence[Entry]) -> list[Written | ApiError]:
    """Store messages and changes in one transaction; an entry that fails leaves the others alone."""
    checked = [_checked(entry) for entry in entries]
    stored = iter(_store([entry for entry in checked if not isinstance(entry, ApiError)]))
    return [each if isinstance(each, ApiError) else next(stored) for each in checked]


def _checked(entry: Entry) -> Entry | ApiError:
    if entry.text is None:
        return entry
    try:
        return entry._replace(text=protocol.check_text(entry.text))
    except ApiError as error:
        return error


def _store(entries: Sequence[Entry]) -> list[Written | ApiError]:
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
) -> list[Written | ApiError]:
    locks.wait_briefly()
    # Everywhere, people are locked before rooms, and each in their order: no deadlock.
    people = queries.active_people({entry.author.pk for entry in entries if entry.author})
    changing = [entry for entry in entries if isinstance(entry, Change)]
    if doubts or changing:  # what is read then must not change until the transaction ends
        locks.lock_logs([entry.room for entry in entries])
    drafts, changes = Drafts(doubts, people), Changes(changing, people)
    outcomes = [_write(entry, drafts, changes) for entry in entries]
    drafts.store(found)
    rooms = changes.store(found) | {room.pk for room, _ in drafts.by_room()}
    for room, messages in (*drafts.by_room(), *changes.by_room()):
        _announce(room, *messages)
    if rooms:
        transaction.on_commit(lambda: unread_changes.tell(rooms))
    return outcomes


def _write(entry: Entry, drafts: Drafts, changes: Changes) -> Written | ApiError:
    try:
        if isinstance(entry, Change):
            return changes.add(entry), True
        author = drafts.author(entry)
        if earlier := drafts.earlier(entry):
            return earlier, False
        return drafts.add(entry, _named(author)), True
    except ApiError as error:
        return error


def _named(author: User | None) -> User:
    """Who writes, under a name that is theirs."""
    if author is None:
        return create_guest()
    return author if author.name_key else claim_name(author)


def _announce(room: Room, *messages: Message) -> None:
    """Tell every tab in the room, once the changes are stored."""
    transaction.on_commit(lambda: live.publish(room.topic, *map(protocol.event, messages)))
