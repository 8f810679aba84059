"""Feed of unread counts to all tabs of a person, in every process.

It runs in the background: it collects new messages and read positions and, at most once a second, stores the
positions, publishes one message to the other processes, and recounts for the people with tabs here.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context
from dataclasses import dataclass, field

import msgspec
from channels.db import database_sync_to_async

import live
from base.database import BUSY
from chat import actions, protocol
from chat.actions import Member
from chat.queries import unread_counts
from chat.queries.unread_counts import RoomCounts
from chat.services import unread_changes
from chat.services.message_writer import in_writer_thread, is_conflict
from live.log import OnBatch, OnError

logger = logging.getLogger(__name__)

# Flush interval; and debounce, so that an active reader's `read` arrives first (seconds).
FLUSH_INTERVAL = 1
DEBOUNCE = 0.2

# How long people count as reading a room after a `read` (seconds). Higher counts of it wait until then.
READING_TIME = 2

# Memberships counted per call: sends and handshakes wait for the same thread.
COUNT_CHUNK = 200

# How many updates a slow tab may miss before it must reconnect.
RING_SIZE = 16


Pair = tuple[int, int]  # a person and a room, by their keys


class UserUnreadFeed:
    """Unread feed of a person with tabs here. `published` has the rooms with unread messages."""

    def __init__(self) -> None:
        self.log = live.Log(0, RING_SIZE)
        self.published: dict[int, RoomCounts] = {}
        self.tabs = 0

    def publish_all(self, all_counts: Iterable[RoomCounts]) -> None:
        self.published = {counts.room: counts for counts in all_counts if counts.unread}
        self._append(self.published.values(), is_all=True)

    def publish(self, counts: RoomCounts) -> None:
        published = self.published.pop(counts.room, counts._replace(unread=0, mentions=0))
        if counts.unread:
            self.published[counts.room] = counts
        if published != counts:
            self._append([counts], is_all=False)

    def unread(self, room: int) -> int:
        """Return the published unread count of a room."""
        return self.published[room].unread if room in self.published else 0

    def _append(self, all_counts: Iterable[RoomCounts], is_all: bool) -> None:
        unread = [
            protocol.Count(counts.name, counts.unread, counts.mentions, counts.involvement)
            for counts in all_counts
        ]
        self.log.append(live.Event(self.log.seq + 1, protocol.encode_body(protocol.Unread(unread, is_all))))


@dataclass
class DirtyCounts:
    """People and rooms whose counts may have changed."""

    new: set[int] = field(default_factory=set)  # people to count in all their rooms
    said: set[int] = field(default_factory=set)  # rooms to count for everyone
    read: set[Pair] = field(default_factory=set)

    def add(self, other: "DirtyCounts") -> None:
        self.new |= other.new
        self.said |= other.said
        self.read |= other.read


class UnreadFeed:
    """Unread feed for all tabs of a process. Create it in a running event loop."""

    def __init__(self) -> None:
        self._feeds: dict[int, UserUnreadFeed] = {}
        self._read: dict[Member, int] = {}  # read positions (seqs) that are not stored yet
        self._read_at: dict[Pair, float] = {}  # when people read in rooms (monotonic)
        self._dirty = DirtyCounts()
        self._changed_rooms = unread_changes.get_changed_rooms()
        self._on_change = self._changed_rooms.on_change
        self._task = self._start()

    @contextmanager
    def follow(self, person: int, on_batch: OnBatch, on_error: OnError) -> Iterator[None]:
        """Subscribe a tab to a person's unread counts while the context lasts: all, then each change.

        `on_batch` and `on_error` are as in `Log.subscribe`.
        """
        feed = self._feeds.setdefault(person, UserUnreadFeed())
        feed.tabs += 1
        self._dirty.new.add(person)
        self._on_change.set()
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
        self._on_change.set()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _start(self) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(self._run(), context=Context())

    async def _run(self) -> None:
        head = await self._head()
        async with live.get_hub().open(unread_changes.TOPIC, unread_changes.source, head) as log:
            with log.subscribe(head, self._on_changes, self._on_error):
                await self._flush_at_intervals()

    async def _head(self) -> int:
        while True:
            try:
                return await database_sync_to_async(unread_changes.read_head)()
            except BUSY:
                await asyncio.sleep(FLUSH_INTERVAL)

    async def _on_changes(self, batch: live.Batch) -> None:
        for event in batch.events:
            changed = msgspec.json.decode(event.body, type=unread_changes.UnreadChanged)
            read = {pair for pair in changed.read if pair[0] in self._feeds}
            self._read_at |= dict.fromkeys(read, time.monotonic())
            self._dirty.add(DirtyCounts(said=set(changed.said), read=read))
        self._on_change.set()

    def _on_error(self, error: BaseException) -> None:
        if isinstance(error, live.LogRewound):
            self._dirty.new.update(self._feeds)  # their counts are of another database
            self._task.cancel()
            self._task = self._start()
        else:
            logger.error("unread: subscription to other processes failed", exc_info=error)

    async def _flush_at_intervals(self) -> None:
        while True:
            await self._on_change.wait()
            await asyncio.sleep(DEBOUNCE)
            self._on_change.clear()
            try:
                await self._publish_changes()
                await self._recount()
            except BUSY as error:
                logger.warning(
                    "unread: database unavailable, counts are retried (%s)", live.error_summary(error)
                )
                self._on_change.set()
            except Exception:
                logger.exception("unread: counting failed")
            await asyncio.sleep(FLUSH_INTERVAL - DEBOUNCE)

    async def _publish_changes(self) -> None:
        """Store read positions, and publish the changes to all processes, including this one."""
        if read := await _store_read(dict(self._read)):
            self._read = {member: seq for member, seq in self._read.items() if seq > read.get(member, -1)}
        if self._read:
            self._on_change.set()
        said, self._changed_rooms.rooms = self._changed_rooms.rooms, set()
        if said or read:
            pairs = [(member.person, member.room) for member in read]
            live.get_hub().publish(unread_changes.TOPIC, unread_changes.UnreadChanged(said, pairs).event())

    async def _recount(self) -> None:
        """Recount what may have changed, and publish it to people."""
        dirty, self._dirty = self._dirty, DirtyCounts()
        try:
            complete, changed = await _load_counts(dirty, list(self._feeds))
        except BUSY:
            self._dirty.add(dirty)
            raise
        for pk, all_counts in complete.items():
            if feed := self._feeds.get(pk):
                feed.publish_all(all_counts)
        self._expire_readers()
        for counts in changed:
            if feed := self._feeds.get(counts.person):
                self._publish_counts(feed, counts)

    def _publish_counts(self, feed: UserUnreadFeed, counts: RoomCounts) -> None:
        pair = (counts.person, counts.room)
        if pair in self._read_at and counts.unread > feed.unread(counts.room):
            self._dirty.read.add(pair)  # recount later
            self._on_change.set()
        else:
            feed.publish(counts)

    def _expire_readers(self) -> None:
        since = time.monotonic() - READING_TIME
        self._read_at = {pair: at for pair, at in self._read_at.items() if at > since}


async def _store_read(read: dict[Member, int]) -> dict[Member, int]:
    """Store read positions. Return those that were stored: all, except in rooms with locked rows."""
    mark_read = in_writer_thread(actions.mark_read)
    try:
        await mark_read(read)
    except BUSY as error:
        if not is_conflict(error):
            raise
    else:
        return read
    stored: dict[Member, int] = {}
    for room in {member.room for member in read}:
        with suppress(*BUSY):
            of_room = {member: seq for member, seq in read.items() if member.room == room}
            await mark_read(of_room)
            stored |= of_room
    return stored


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
    rooms = dirty.said | {room for _, room in dirty.read}
    others = people if dirty.said else {person for person, _ in dirty.read}
    return of_new, unread_counts.find_memberships(rooms, others) if rooms else []


async def _count_unread(keys: list[int]) -> list[RoomCounts]:
    """Count memberships in small chunks, so that other queries run in between."""
    found = []
    for some in unread_counts.split_into_chunks(keys, COUNT_CHUNK):
        found += await database_sync_to_async(unread_counts.count_unread)(some)
    return found


get_unread_feed = live.PerLoop(UnreadFeed)
