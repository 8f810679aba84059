"""Actions on messages: send, edit and delete, stored in batches."""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction

import live
from accounts import queries
from accounts.actions import claim_name, create_guest
from accounts.models import User
from base.api_errors import ApiError
from chat import mentions, permissions, protocol
from chat.actions.change_batch import Change, ChangeBatch
from chat.actions.message_batch import MessageBatch, NewMessage, find_stored
from chat.models import ARCHIVED, Message, Room, RulesChanged
from chat.queries import locks
from chat.services import unread_changes

# A write to a room's log.
Entry = NewMessage | Change

# The stored message, and whether it is new or changed.
WriteResult = tuple[Message, bool]


def send(
    author: User | None, room: Room, text: str, client_id: UUID, has_session: bool = True
) -> tuple[Message, bool]:
    """Store a message. If its client_id is stored already, return that message and False."""
    return _write_one(NewMessage(author, room, text, client_id, has_session))


def edit(author: User, room: Room, number: int, text: str) -> Message:
    """Change the text of the author's message. Raise `ApiError` if it is not theirs."""
    message, _ = _write_one(Change(author, room, number, text))
    return message


def delete(author: User, room: Room, number: int) -> Message:
    """Delete the text of the author's message; its row stays. Raise `ApiError` if it is not theirs."""
    message, _ = _write_one(Change(author, room, number, None))
    return message


@transaction.atomic
def erase(pks: Collection[int]) -> int:
    """Delete messages of people who are gone, by their primary keys. Return how many were not deleted yet."""
    wanted = permissions.all_messages().filter(pk__in=pks)
    rooms = locks.lock_rooms(set(wanted.values_list("room", flat=True)))
    batch = ChangeBatch([], {})
    for message in wanted.filter(deleted_at=None):  # as stored now that their rooms are locked
        message.room = rooms[message.room_id]
        batch.erase(message)
    changed = batch.store(mentions.find_candidates([]))
    erased = batch.by_room()
    for room, messages in erased:
        _publish(room, *messages)
    if changed:
        transaction.on_commit(lambda: unread_changes.publish_changed_rooms(changed))
    return sum(len(messages) for _, messages in erased)


def _write_one(entry: Entry) -> WriteResult:
    (outcome,) = write_all([entry])
    if isinstance(outcome, ApiError):
        raise outcome
    return outcome


def write_all(entries: Sequence[Entry]) -> list[WriteResult | ApiError]:
    """Store messages and changes in one transaction. An entry's `ApiError` does not affect the others."""
    checked = [_check_entry(entry) for entry in entries]
    stored = iter(_store([entry for entry in checked if not isinstance(entry, ApiError)]))
    return [each if isinstance(each, ApiError) else next(stored) for each in checked]


def _check_entry(entry: Entry) -> Entry | ApiError:
    if entry.text is None:
        return entry
    try:
        return entry._replace(text=protocol.check_text(entry.text))
    except ApiError as error:
        return error


def _store(entries: Sequence[Entry]) -> list[WriteResult | ApiError]:
    if not entries:
        return []
    found = mentions.find_candidates(
        mentions.Draft(entry.room.pk, entry.text or "", entry.chosen) for entry in entries
    )
    new = [entry for entry in entries if isinstance(entry, NewMessage)]
    try:
        return _write_all(entries, [entry for entry in new if not entry.has_key or entry.has_rules], found)
    except (IntegrityError, RulesChanged):  # some are stored already, or rooms have other rules: look them up
        return _write_all(entries, new, found)


@transaction.atomic
def _write_all(
    entries: Sequence[Entry], repeats: Sequence[NewMessage], found: mentions.Candidates
) -> list[WriteResult | ApiError]:
    locks.limit_lock_wait()
    # To avoid deadlocks, people are locked before rooms everywhere, both in the order of their keys.
    people = queries.lock_active_people({entry.author.pk for entry in entries if entry.author})
    changing = [entry for entry in entries if isinstance(entry, Change)]
    if repeats or changing:  # the rows that are read must not change until the transaction ends
        locks.lock_logs([entry.room for entry in entries])
    new = [entry for entry in entries if isinstance(entry, NewMessage)]
    batch, changes = MessageBatch(new, repeats, people), ChangeBatch(changing, people)
    outcomes = [_write_entry(entry, batch, changes) for entry in entries]
    batch.store(found)
    outcomes = [_after_store(entry, outcome) for entry, outcome in zip(entries, outcomes, strict=True)]
    rooms = changes.store(found) | {room.pk for room, _ in batch.by_room()}
    for room, messages in (*batch.by_room(), *changes.by_room()):
        _publish(room, *messages)
    if rooms:
        transaction.on_commit(lambda: unread_changes.publish_changed_rooms(rooms))
    return outcomes


def _after_store(entry: Entry, outcome: WriteResult | ApiError) -> WriteResult | ApiError:
    """Return the outcome of an entry once the batch is stored: without a number, its room is archived."""
    if isinstance(outcome, ApiError) or outcome[0].number:
        return outcome
    earlier = find_stored(entry) if isinstance(entry, NewMessage) else None
    return (earlier, False) if earlier else ApiError("forbidden", ARCHIVED)


def _write_entry(entry: Entry, batch: MessageBatch, changes: ChangeBatch) -> WriteResult | ApiError:
    try:
        if isinstance(entry, Change):
            return changes.add(entry), True
        author = batch.find_author(entry)
        if earlier := batch.find_earlier(entry):
            return earlier, False
        try:
            batch.check_can_write(author, entry)
        except ApiError:  # it may have been stored when it was allowed
            if earlier := find_stored(entry):
                return earlier, False
            raise
        batch.check_pause(author, entry)
        return batch.add(entry, _with_name(author, entry.network)), True
    except ApiError as error:
        return error


def _with_name(author: User | None, network: str) -> User:
    """Return the author with a name of their own; a new guest of a network for None."""
    if author is None:
        return create_guest(network)
    return author if author.name_key else claim_name(author)


def _publish(room: Room, *messages: Message) -> None:
    """Publish the messages to the room's topic after the commit."""

    def publish() -> None:
        live.publish(room.topic, *[protocol.make_event(message, room.epoch) for message in messages])

    transaction.on_commit(publish)
