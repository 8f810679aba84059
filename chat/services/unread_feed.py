"""Feed of unread counts to all tabs of a person, in every process.

It runs in the background: it collects new messages and read positions and, at most once a second, stores the
positions, publishes one message to the other processes, and recounts for the people with tabs here.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import accumulate, chain, islice
from typing import NamedTuple

import msgspec
from channels.db import database_sync_to_async

import live
from base.database import DATABASE_ERRORS
from chat import actions, protocol
from chat.actions import Member
from chat.models import Involvement
from chat.queries import unread_counts
from chat.queries.unread_counts import LogEnd, RoomCounts
from chat.services import unread_changes
from chat.services.count_queue import CountQueue
from chat.services.message_writer import in_writer_thread, is_conflict
from live.log import OnBatch, OnError

# Flush interval; and debounce, so that an active reader's `read` arrives first (seconds).
FLUSH_INTERVAL = 1
DEBOUNCE = 0.2

# How long people count as reading a room after a `read` (seconds). Higher counts of it wait until then.
READING_TIME = 2

# Memberships counted per call: sends and handshakes wait for the same thread.
COUNT_CHUNK = 200

# How long counting goes on in one pass (seconds). The rest waits for the next one, people in turns.
PASS_TIME = 0.4

# Also publish this many of the rooms entered last, even if nothing is unread: a page rendered earlier may not
# list them.
NEWEST_ROOMS = 3

# How many updates a slow tab may miss before it must reconnect.
RING_SIZE = 16


Pair = tuple[int, int]  # a person and a room, by their keys


class UserUnreadFeed:
    """Unread feed of a person with tabs here. `published` has the rooms with unread messages or a star."""

    def __init__(self) -> None:
        self.log = live.Log(0, RING_SIZE)
        self.published: dict[int, RoomCounts] = {}
        self.rooms: dict[int, int] = {}  # keys of the memberships that are counted, by room, oldest first
        self.levels: dict[int, str] = {}  # notification levels of rooms, but for the default
        self.titles: dict[int, str] = {}  # of private rooms
        self.requests: dict[int, None] = {}  # rooms that others have opened, in the order of their last news
        self.tabs = 0

    def publish_all(self, all_counts: Sequence[RoomCounts], private: list[str] | None) -> None:
        self.rooms = {counts.room: counts.key for counts in reversed(all_counts)}
        self.levels = {counts.room: counts.involvement for counts in all_counts if _has_level(counts)}
        self.titles = {counts.room: counts.title for counts in all_counts if counts.title}
        self.requests = {counts.room: None for counts in reversed(all_counts) if counts.is_request}
        self.published = {counts.room: counts for counts in all_counts if _is_kept(counts)}
        newest = {counts.room for counts in islice(all_counts, NEWEST_ROOMS)}
        named = [each for each in all_counts if _is_kept(each) or each.room in newest]
        self._append(named, is_all=True, private=private)

    def publish(self, all_counts: Iterable[RoomCounts], touched: Collection[int] = ()) -> None:
        """Publish those counts that have changed, in one event: subscribers wait for at most `RING_SIZE`.

        Always publish `touched` rooms: a page may have loaded their state before the change.
        """
        if changed := [counts for counts in all_counts if self._update(counts) or counts.room in touched]:
            self._append(changed)
        own = [room for room in self.rooms if room not in self.requests]
        if (surplus := len(own) - unread_counts.MAX_ROOMS) > 0:
            for room in [room for room in own if not self._has_star(room)][:surplus]:
                self.remove(room)
        if (surplus := len(self.requests) - unread_counts.MAX_REQUESTS) > 0:
            for room in list(self.requests)[:surplus]:
                self.remove(room)

    def _update(self, counts: RoomCounts) -> bool:
        """Remember a count. Return whether it has changed."""
        level = self.levels.pop(counts.room, Involvement.MENTIONS)
        before = self.rooms.get(counts.room), level, self.titles.pop(counts.room, "")
        published = self.published.pop(counts.room, _without_unread(counts))
        self.rooms[counts.room] = counts.key
        self.requests.pop(counts.room, None)
        if counts.is_request:
            self.requests[counts.room] = None
        if _has_level(counts):
            self.levels[counts.room] = counts.involvement
        if counts.title:
            self.titles[counts.room] = counts.title
        if _is_kept(counts):
            self.published[counts.room] = counts
        is_same = before == (counts.key, counts.involvement, counts.title)
        return not is_same or published._replace(end=counts.end) != counts

    def remove(self, room: int) -> None:
        """Remove a room that is not counted any more."""
        if counts := self._forget(room):
            self._append([_without_unread(counts)])

    def leave(self, room: int, name: str) -> None:
        """Remove a room that the person has left, and tell their tabs."""
        self._forget(room)
        left = protocol.Count(room=name, count=0, mentions=0, newest=None, involvement="", star=None)
        self._publish([left])

    def _forget(self, room: int) -> RoomCounts | None:
        self.rooms.pop(room, None)
        self.levels.pop(room, None)
        self.titles.pop(room, None)
        self.requests.pop(room, None)
        return self.published.pop(room, None)

    def _has_star(self, room: int) -> bool:
        return room in self.published and self.published[room].star is not None

    def unread(self, room: int) -> int:
        """Return the published unread count of a room."""
        return self.published[room].unread if room in self.published else 0

    def _append(
        self, all_counts: Iterable[RoomCounts], is_all: bool = False, private: list[str] | None = None
    ) -> None:
        unread = [
            protocol.Count(
                room=counts.name,
                count=counts.unread,
                mentions=counts.mentions,
                newest=counts.newest,
                involvement=counts.involvement,
                star=counts.star,
                title=counts.title,
                newest_seq=counts.newest_seq,
            )
            for counts in all_counts
        ]
        self._publish(unread, is_all, private)

    def _publish(
        self, unread: list[protocol.Count], is_all: bool = False, private: list[str] | None = None
    ) -> None:
        event = protocol.Unread(unread, is_all, msgspec.UNSET if private is None else private)
        self.log.append(live.Event(self.log.seq + 1, protocol.encode_body(event)))


def _without_unread(counts: RoomCounts) -> RoomCounts:
    return counts._replace(unread=0, mentions=0, newest=None, newest_seq=None, star=None)


def _is_rewound(known: LogEnd, now: LogEnd | None) -> bool:
    """Return whether a log is another one now: the database was restored, maybe with other read positions."""
    return now is None or now.seq < known.seq or now.epoch != known.epoch


def _is_kept(counts: RoomCounts) -> bool:
    return counts.unread > 0 or counts.star is not None


def _has_level(counts: RoomCounts) -> bool:
    return counts.involvement != Involvement.MENTIONS


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
        self._changed: set[Pair] = set()  # memberships that people have changed
        self._new: dict[int, list[int]] = {}  # memberships of people to count in all their rooms
        self._queue = CountQueue()  # other memberships to count
        self._ends: dict[int, LogEnd] = {}  # up to where people's rooms are counted, or are going to be
        self._last_entered: int | None = None  # the newest known membership
        self._compare_at = 0.0  # time of the next comparison (monotonic)
        self._outages = 0  # `PubSub.outages` at the last comparison
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
            memberships = {pair for pair in changed.changed if pair[0] in self._feeds}
            self._changed |= memberships
            self._dirty.add(DirtyCounts(rooms=set(changed.rooms), read=read | memberships))
            if changed.left:
                self._remove_left(set(changed.left), changed.names)

    def _remove_left(self, left: set[Pair], names: Mapping[int, str]) -> None:
        """Remove rooms that people have left, with positions that would make them members again.

        They may have come back: the event may be late.
        """
        self._read = {
            member: seq for member, seq in self._read.items() if (member.person, member.room) not in left
        }
        for person, room in left:
            feed = self._feeds.get(person)
            if feed and room in names:
                feed.leave(room, names[room])
            elif feed:  # processes of earlier versions send no names
                feed.remove(room)
            if feed:
                self._dirty.read.add((person, room))

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
        rooms = self._ends.keys() & set().union(*[person.rooms for person in self._feeds.values()])
        self._ends = {room: self._ends[room] for room in rooms}
        ends, entered = await _read_ends(rooms, self._last_entered)
        if any(_is_rewound(self._ends[room], ends.get(room)) for room in rooms):
            self._dirty.new.update(self._feeds)  # their counts are of another database
            self._last_entered = None  # keys of memberships are assigned again
        outages, self._outages = self._outages, live.get_hub().pubsub.outages
        if outages != self._outages:  # changes of memberships, which have no log, may have been lost
            self._dirty.new.update(self._feeds)
        self._dirty.rooms |= {room for room, end in self._ends.items() if ends.get(room) != end}
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
        """Recount what may have changed, for a limited time, and publish it. Request a pass for the rest."""
        await self._find_dirty()
        until = time.monotonic() + PASS_TIME
        while self._new or self._queue:
            await self._count_new()
            await self._count_queued()
            if time.monotonic() >= until:
                return self._reconciler.request()

    async def _find_dirty(self) -> None:
        """Find the memberships that may have changed. New people with the fewest rooms are first."""
        dirty, self._dirty = self._dirty, DirtyCounts()
        unknown = {pair for pair in dirty.read if pair[1] not in self._rooms_of(pair[0])}
        try:
            known = dirty.rooms & self._ends.keys()
            found = await database_sync_to_async(_read_dirty)(known, dirty.new, unknown)
        except DATABASE_ERRORS:
            self._dirty.add(dirty)
            raise
        self._ends = {room: end for room, end in self._ends.items() if room not in dirty.rooms} | found.ends
        new = {person: keys for person, keys in (self._new | found.new).items() if person in self._feeds}
        self._new = dict(sorted(new.items(), key=lambda item: len(item[1])))
        for person, feed in self._feeds.items():
            if person not in self._new:
                self._queue.add(person, [feed.rooms[room] for room in feed.rooms.keys() & dirty.rooms])
        for person, room in dirty.read - unknown:
            if key := self._rooms_of(person).get(room):  # none if the tab has closed meanwhile
                self._queue.add(person, [key])
        for (person, _), key in found.entered.items():
            self._queue.add(person, [key])
        self._queue.keep_only(self._feeds.keys())
        self._changed = {pair for pair in self._changed if pair[0] in self._feeds}

    def _rooms_of(self, person: int) -> dict[int, int]:
        return self._feeds[person].rooms if person in self._feeds else {}

    async def _count_new(self) -> None:
        """Count all rooms of the next new people, and publish them."""
        sizes = accumulate(len(keys) + 1 for keys in self._new.values())
        taken = [person for person, size in zip(self._new, sizes, strict=True) if size <= COUNT_CHUNK]
        taken = taken or list(islice(self._new, 1))
        found: dict[int, list[RoomCounts]] = {person: [] for person in taken}
        for counts in await _count_unread([key for person in taken for key in self._new[person]]):
            self._ends.setdefault(counts.room, counts.end)
            if counts.person in found:  # a restored database may give the key to somebody else
                found[counts.person].append(counts)
        private = await database_sync_to_async(unread_counts.load_private_names)(taken)
        for person, all_counts in found.items():
            del self._new[person]
            if feed := self._feeds.get(person):
                feed.publish_all(all_counts, private.get(person))

    async def _count_queued(self) -> None:
        """Count the next memberships in the queue, and publish them."""
        taken = self._queue.take(COUNT_CHUNK)
        try:
            found = {counts.key: counts for counts in await _count_unread(list(chain(*taken.values())))}
            lost = {person: self._find_lost(person, set(keys), found) for person, keys in taken.items()}
            names = await _load_names({room for rooms in lost.values() for room in rooms})
        except DATABASE_ERRORS:
            for person, keys in taken.items():
                self._queue.add(person, keys)
            raise
        self._expire_readers()
        for counts in found.values():
            self._ends.setdefault(counts.room, counts.end)
        for person, keys in taken.items():
            if feed := self._feeds.get(person):
                all_counts = [found[key] for key in keys if key in found and found[key].person == person]
                now = [counts for counts in all_counts if not self._waits(feed, counts)]
                touched = {counts.room for counts in now if (person, counts.room) in self._changed}
                self._changed -= {(person, room) for room in touched}
                feed.publish(now, touched)
                self._remove_lost(person, feed, lost[person], names)

    def _find_lost(self, person: int, keys: set[int], found: Mapping[int, RoomCounts]) -> list[int]:
        """Return the rooms of a person whose memberships, by their keys, have vanished.

        After a restore, their keys may be those of other memberships.
        """
        now = {key: (found[key].person, found[key].room) for key in keys & found.keys()}
        rooms = self._rooms_of(person).items()
        return [room for room, key in rooms if key in keys and now.get(key) != (person, room)]

    def _remove_lost(
        self, person: int, feed: UserUnreadFeed, rooms: list[int], names: Mapping[int, str]
    ) -> None:
        """Remove rooms whose memberships have vanished. The person may have entered them again."""
        for room in rooms:
            if room in names:
                feed.leave(room, names[room])
            else:
                feed.remove(room)
            self._dirty.read.add((person, room))
            self._reconciler.request()

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
) -> tuple[dict[int, LogEnd], list[tuple[int, int, int]]]:
    """Read the ends of logs, and the memberships after one (or, after None, the newest)."""
    ends: dict[int, LogEnd] = {}
    for some in unread_counts.split_into_chunks(rooms):
        ends |= await database_sync_to_async(unread_counts.load_log_ends)(some)
    if last_entered is None:
        return ends, [(await database_sync_to_async(unread_counts.load_last_membership)(), 0, 0)]
    return ends, await database_sync_to_async(unread_counts.load_memberships_after)(last_entered)


class DirtyMemberships(NamedTuple):
    """Stored log ends and memberships of the dirty rooms and people."""

    ends: dict[int, LogEnd]  # of logs, read before anything is counted
    new: dict[int, list[int]]  # memberships of new people
    entered: dict[Pair, int]  # memberships that were not known


def _read_dirty(rooms: Collection[int], new: Collection[int], unknown: Collection[Pair]) -> DirtyMemberships:
    people, entered = {person for person, _ in unknown}, {room for _, room in unknown}
    found = unread_counts.find_memberships(entered, people)
    return DirtyMemberships(
        unread_counts.load_log_ends(rooms),
        unread_counts.find_latest_memberships(new),
        {pair: key for pair, key in found.items() if pair in unknown},
    )


async def _count_unread(keys: list[int]) -> list[RoomCounts]:
    """Count memberships in small chunks, so that other queries run in between."""
    found = []
    for some in unread_counts.split_into_chunks(keys, COUNT_CHUNK):
        found += await database_sync_to_async(unread_counts.count_unread)(some)
    return found


async def _load_names(rooms: Collection[int]) -> dict[int, str]:
    """Return the names of rooms, which are usually none."""
    return await database_sync_to_async(unread_counts.load_room_names)(rooms) if rooms else {}


get_unread_feed = live.PerLoop(UnreadFeed)
