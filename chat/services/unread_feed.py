"""Feed of unread counts to all tabs of a person, in every process.

It runs in the background: it collects new messages and read positions and, at most once a second, stores the
positions, publishes one message to the other processes, and recounts for the people with tabs here.
"""

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, islice

import msgspec
from channels.db import database_sync_to_async

import live
from base.database import DATABASE_ERRORS
from chat import actions, protocol
from chat.actions import Member
from chat.queries import unread_counts
from chat.queries.unread_counts import RoomCounts
from chat.services import unread_changes
from chat.services.message_writer import in_writer_thread, is_conflict
from live.log import OnBatch, OnError

# Flush interval; and debounce, so that an active reader's `read` arrives first (seconds).
FLUSH_INTERVAL = 1
DEBOUNCE = 0.2

# How long people count as reading a room after a `read` (seconds). Higher counts of it wait until then.
READING_TIME = 2

# Memberships counted per call: sends and handshakes wait for the same thread.
COUNT_CHUNK = 200

# How many of the rooms that were entered last are named even without unread messages: a page may have been
# rendered before.
NEWEST_ROOMS = 3

# How many updates a slow tab may miss before it must reconnect.
RING_SIZE = 16


Pair = tuple[int, int]  # a person and a room, by their keys


class UserUnreadFeed:
    """Unread feed of a person with tabs here. `published` has the rooms with unread messages or a star."""

    def __init__(self) -> None:
        self.log = live.Log(0, RING_SIZE)
        self.published: dict[int, RoomCounts] = {}
        self.rooms: set[int] = set()  # the rooms that are counted
        self.tabs = 0

    def publish_all(self, all_counts: Collection[RoomCounts]) -> None:
        self.rooms = {counts.room for counts in all_counts}
        self.published = {counts.room: counts for counts in all_counts if _is_kept(counts)}
        newest = {counts.room for counts in islice(all_counts, NEWEST_ROOMS)}
        self._append([each for each in all_counts if _is_kept(each) or each.room in newest], is_all=True)

    def publish(self, all_counts: Iterable[RoomCounts]) -> None:
        """Publish those counts that have changed, in one event: subscribers wait for at most `RING_SIZE`."""
        if changed := [counts for counts in all_counts if self._update(counts)]:
            self._append(changed, is_all=False)

    def _update(self, counts: RoomCounts) -> bool:
        """Remember a count. Return whether it has changed."""
        is_new = counts.room not in self.rooms
        published = self.published.pop(counts.room, counts._replace(unread=0, mentions=0, star=None))
        self.rooms.add(counts.room)
        if _is_kept(counts):
            self.published[counts.room] = counts
        return is_new or published._replace(last_seq=counts.last_seq) != counts

    def remove(self, room: int) -> None:
        """Remove a room that the person has left."""
        self.rooms.discard(room)
        if counts := self.published.pop(room, None):
            self._append([counts._replace(unread=0, mentions=0, star=None)], is_all=False)

    def unread(self, room: int) -> int:
        """Return the published unread count of a room."""
        return self.published[room].unread if room in self.published else 0

    def _append(self, all_counts: Iterable[RoomCounts], is_all: bool) -> None:
        unread = [
            protocol.Count(counts.name, counts.unread, counts.mentions, counts.involvement, counts.star)
            for counts in all_counts
        ]
        self.log.append(live.Event(self.log.seq + 1, protocol.encode_body(protocol.Unread(unread, is_all))))


def _is_kept(counts: RoomCounts) -> bool:
    return counts.unread > 0 or counts.star is not None


@dataclass
class DirtyCounts:
    """People and rooms whose counts may have changed."""

    new: set[int] = field(default_factory=set)  # people to count in all their rooms
    rooms: set[int] = field(default_factory=set)  # rooms to count for everyone
    read: set[Pair] = field(default_factory=set)  # people and rooms to count

    def add(self, other: "DirtyCounts") -> None:
        self.new |= other.new
        self.rooms |= other.rooms
        self.read |= other.read


class UnreadFeed:
    """Unread feed for all tabs of a process. Create it in a running event loop."""

    def __init__(self) -> None:
        self._feeds: dict[int, UserUnreadFeed] = {}
        self._read: dict[Member, int] = {}  # read positions (seqs) that are not stored yet
        self._read_at: dict[Pair, float] = {}  # when people read in rooms (monotonic)
        self._dirty = DirtyCounts()
        self._seqs: dict[int, int] = {}  # the ends of the logs of people's rooms at their last count
        self._last_entered: int | None = None  # the newest known membership
        self._compare_at = 0.0  # time of the next comparison (monotonic)
        self._changed_rooms = unread_changes.get_changed_rooms()
        self._reconciler = live.Reconciler(
            unread_changes.TOPIC,
            self._update,
            lambda: live.get_hub().compare_interval,
            self._on_batch,
            DEBOUNCE,
            FLUSH_INTERVAL - DEBOUNCE,
        )
        self._changed_rooms.on_change = self._reconciler.request

    @contextmanager
    def follow(self, person: int, on_batch: OnBatch, on_error: OnError) -> Iterator[None]:
        """Subscribe a tab to a person's unread counts while the context lasts: all, then each change.

        `on_batch` and `on_error` are as in `Log.subscribe`.
        """
        feed = self._feeds.setdefault(person, UserUnreadFeed())
        feed.tabs += 1
        self._dirty.new.add(person)
        self._reconciler.request()
        try:
            with feed.log.subscribe(feed.log.seq, on_batch, on_error):
                yield
        finally:
            feed.tabs -= 1
            if not feed.tabs:
                del self._feeds[person]

    def mark_read(self, member: Member, seq: int) -> None:
        """Move the member's read position to `seq`, unless it is further already."""
        self._read[member] = max(seq, self._read.get(member, 0))
        self._reconciler.request()

    async def close(self) -> None:
        await self._reconciler.close()

    def _on_batch(self, batch: live.Batch) -> None:
        for event in batch.events:
            changed = msgspec.json.decode(event.body, type=unread_changes.UnreadChanged)
            read = {pair for pair in changed.read if pair[0] in self._feeds}
            self._read_at |= dict.fromkeys(read, time.monotonic())
            starred = {pair for pair in changed.starred if pair[0] in self._feeds}
            self._dirty.add(DirtyCounts(rooms=set(changed.rooms), read=read | starred))
            self._remove_left(set(changed.left))

    def _remove_left(self, left: set[Pair]) -> None:
        """Remove rooms that people have left, with positions that would make them members again."""
        self._read = {
            member: seq for member, seq in self._read.items() if (member.person, member.room) not in left
        }
        for person, room in left:
            if feed := self._feeds.get(person):
                feed.remove(room)

    async def _update(self) -> None:
        try:
            await self._compare()
            await self._publish_changes()
            await self._recount()
        except DATABASE_ERRORS:
            self._reconciler.request()
            raise

    async def _compare(self) -> None:
        """Mark counts dirty whose logs have moved, since notifications may be lost."""
        if (now := time.monotonic()) < self._compare_at:
            return
        rooms = self._seqs.keys() & set().union(*[person.rooms for person in self._feeds.values()])
        self._seqs = {room: self._seqs[room] for room in rooms}
        seqs, entered = await _read_ends(rooms, self._last_entered)
        if any(seqs.get(room, 0) < self._seqs[room] for room in rooms):
            self._dirty.new.update(self._feeds)  # their counts are of another database
        self._dirty.rooms |= {room for room, seq in self._seqs.items() if seqs.get(room) != seq}
        self._dirty.read |= {(person, room) for _, person, room in entered if person in self._feeds}
        self._last_entered = entered[-1][0] if entered else self._last_entered
        self._compare_at = now + live.get_hub().compare_interval

    async def _publish_changes(self) -> None:
        """Store read positions, and publish the changes to all processes, including this one."""
        if read := await _store_read(dict(self._read)):
            self._read = {member: seq for member, seq in self._read.items() if seq > read.get(member, -1)}
        if self._read:
            self._reconciler.request()
        rooms, self._changed_rooms.rooms = self._changed_rooms.rooms, set()
        if rooms or read:
            pairs = [(member.person, member.room) for member in read]
            live.get_hub().publish(unread_changes.TOPIC, unread_changes.UnreadChanged(rooms, pairs).event())

    async def _recount(self) -> None:
        """Recount what may have changed, and publish it to people."""
        dirty, self._dirty = self._dirty, DirtyCounts()
        try:
            complete, changed = await _load_counts(dirty, list(self._feeds))
        except DATABASE_ERRORS:
            self._dirty.add(dirty)
            raise
        self._remember_seqs(dirty.rooms, chain(changed, *complete.values()))
        for pk, all_counts in complete.items():
            if feed := self._feeds.get(pk):
                feed.publish_all(all_counts)
        self._expire_readers()
        changed_of: dict[int, list[RoomCounts]] = {}
        for counts in changed:
            changed_of.setdefault(counts.person, []).append(counts)
        for pk, of_person in changed_of.items():
            if feed := self._feeds.get(pk):
                feed.publish([counts for counts in of_person if not self._waits(feed, counts)])

    def _remember_seqs(self, recounted: set[int], all_counts: Iterable[RoomCounts]) -> None:
        """Remember the seqs up to which rooms are counted: for all people only in `recounted` rooms."""
        least: dict[int, int] = {}
        for counts in all_counts:
            least[counts.room] = min(counts.last_seq, least.get(counts.room, counts.last_seq))
        others = {room: seq for room, seq in self._seqs.items() if room not in recounted}
        self._seqs = least | others

    def _waits(self, feed: UserUnreadFeed, counts: RoomCounts) -> bool:
        """Return whether a count is higher and its person is reading in the room: it is recounted later."""
        pair = (counts.person, counts.room)
        waits = pair in self._read_at and counts.unread > feed.unread(counts.room)
        if waits:
            self._dirty.read.add(pair)
            self._reconciler.request()
        return waits

    def _expire_readers(self) -> None:
        since = time.monotonic() - READING_TIME
        self._read_at = {pair: at for pair, at in self._read_at.items() if at > since}


async def _store_read(read: dict[Member, int]) -> dict[Member, int]:
    """Store read positions. Return those that were stored: all, except in rooms with locked rows."""
    mark_read = in_writer_thread(actions.mark_read)
    try:
        await mark_read(read)
    except DATABASE_ERRORS as error:
        if not is_conflict(error):
            raise
    else:
        return read
    stored: dict[Member, int] = {}
    for room in {member.room for member in read}:
        with suppress(*DATABASE_ERRORS):
            of_room = {member: seq for member, seq in read.items() if member.room == room}
            await mark_read(of_room)
            stored |= of_room
    return stored


async def _read_ends(
    rooms: Collection[int], last_entered: int | None
) -> tuple[dict[int, int], list[tuple[int, int, int]]]:
    """Read the ends of logs, and the memberships after one (or, after None, the newest)."""
    seqs: dict[int, int] = {}
    for some in unread_counts.split_into_chunks(rooms):
        seqs |= await database_sync_to_async(unread_counts.load_last_seqs)(some)
    if last_entered is None:
        return seqs, [(await database_sync_to_async(unread_counts.load_last_membership)(), 0, 0)]
    return seqs, await database_sync_to_async(unread_counts.load_memberships_after)(last_entered)


async def _load_counts(
    dirty: DirtyCounts, people: list[int]
) -> tuple[dict[int, list[RoomCounts]], list[RoomCounts]]:
    """Return the counts of all rooms of new people, and the dirty counts of others."""
    complete: dict[int, list[RoomCounts]] = {pk: [] for pk in dirty.new}
    of_new, of_others = await database_sync_to_async(_find_dirty_memberships)(dirty, people)
    for counts in await _count_unread(of_new):
        complete[counts.person].append(counts)
    return complete, await _count_unread(of_others)


def _find_dirty_memberships(dirty: DirtyCounts, people: list[int]) -> tuple[list[int], list[int]]:
    """Return the memberships to count for new people, and for others."""
    of_new = unread_counts.find_latest_memberships(dirty.new) if dirty.new else []
    rooms = dirty.rooms | {room for _, room in dirty.read}
    others = people if dirty.rooms else {person for person, _ in dirty.read}
    return of_new, unread_counts.find_memberships(rooms, others) if rooms else []


async def _count_unread(keys: list[int]) -> list[RoomCounts]:
    """Count memberships in small chunks, so that other queries run in between."""
    found = []
    for some in unread_counts.split_into_chunks(keys, COUNT_CHUNK):
        found += await database_sync_to_async(unread_counts.count_unread)(some)
    return found


get_unread_feed = live.PerLoop(UnreadFeed)
