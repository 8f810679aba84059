"""How much a person has not read: told to all of their tabs, in every process.

Nobody waits for it. What was said and what was read is gathered; once a second, at most, it is stored,
the other processes are told in one message, and it is counted for those people who have a tab here.
"""

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain

import msgspec
from channels.db import database_sync_to_async

import live
from base.database import BUSY
from chat import actions, protocol
from chat.actions import Member
from chat.queries import unread_counts
from chat.queries.unread_counts import Place
from chat.services import unread_changes
from chat.services.message_writer import in_writing_thread, is_conflict
from live.log import OnBatch, OnError

# How often people are told, at most; and how long after something was said, so that who is looking at it
# has had the time to say that it is read (seconds).
EVERY = 1
PAUSE = 0.2

# Who has read in a room is reading there, and is not told of more for so long (seconds).
READING = 2

# How many memberships are counted in one call: sends and handshakes wait for the same thread.
AT_ONCE = 200

# How many counts a slow tab may miss before it is told to come back.
RING = 16


Pair = tuple[int, int]  # a person and a room, by their keys


class Person:
    """Somebody who has a tab here, and what their tabs were told: in no other room is anything unread."""

    def __init__(self) -> None:
        self.log = live.Log(0, RING)
        self.told: dict[int, Place] = {}
        self.rooms: set[int] = set()  # those that are counted
        self.tabs = 0

    def tell_all(self, places: Collection[Place]) -> None:
        self.rooms = {place.room for place in places}
        self.told = {place.room: place for place in places if place.unread}
        self._say(self.told.values(), is_all=True)

    def tell(self, place: Place) -> None:
        told = self.told.pop(place.room, place._replace(unread=0, mentions=0))
        self.rooms.add(place.room)
        if place.unread:
            self.told[place.room] = place
        if told._replace(last_seq=place.last_seq) != place:
            self._say([place], is_all=False)

    def unread(self, room: int) -> int:
        """How much of a room they have been told is unread."""
        return self.told[room].unread if room in self.told else 0

    def _say(self, places: Iterable[Place], is_all: bool) -> None:
        counts = [
            protocol.Count(place.name, place.unread, place.mentions, place.involvement) for place in places
        ]
        self.log.append(live.Event(self.log.seq + 1, protocol.body(protocol.Unread(counts, is_all))))


@dataclass
class Doubts:
    """Whose counts may have changed."""

    new: set[int] = field(default_factory=set)  # people, in all their rooms
    said: set[int] = field(default_factory=set)  # rooms, for everybody
    read: set[Pair] = field(default_factory=set)

    def add(self, other: "Doubts") -> None:
        self.new |= other.new
        self.said |= other.said
        self.read |= other.read


class Unread:
    """What all tabs of a process are told. It must be made in a running event loop."""

    def __init__(self) -> None:
        self._people: dict[int, Person] = {}
        self._read: dict[Member, int] = {}  # up to which seq; not stored yet
        self._read_at: dict[Pair, float] = {}  # who is reading now
        self._doubts = Doubts()
        self._seqs: dict[int, int] = {}  # of people's rooms: the ends of their logs when they were counted
        self._last_entered: int | None = None  # the newest membership that was seen
        self._compare_at = 0.0  # (monotonic)
        self._said = unread_changes.get_said()
        self._reconciler = live.Reconciler(
            unread_changes.TOPIC,
            self._update,
            lambda: live.get_hub().compare_interval,
            self._on_batch,
            PAUSE,
            EVERY - PAUSE,
        )
        self._said.on_change = self._reconciler.request

    @contextmanager
    def follow(self, person: int, on_batch: OnBatch, on_error: OnError) -> Iterator[None]:
        """While the context lasts, a tab is told what its person has not read: all of it, then each change.

        `on_batch` and `on_error` are as in `Log.subscribe`.
        """
        known = self._people.setdefault(person, Person())
        known.tabs += 1
        self._doubts.new.add(person)
        self._reconciler.request()
        try:
            with known.log.subscribe(known.log.seq, on_batch, on_error):
                yield
        finally:
            known.tabs -= 1
            if not known.tabs:
                del self._people[person]

    def note_read(self, member: Member, seq: int) -> None:
        """Somebody has read a room's log up to `seq`."""
        self._read[member] = max(seq, self._read.get(member, 0))
        self._reconciler.request()

    async def close(self) -> None:
        await self._reconciler.close()

    def _on_batch(self, batch: live.Batch) -> None:
        for event in batch.events:
            heard = msgspec.json.decode(event.body, type=unread_changes.News)
            read = {pair for pair in heard.read if pair[0] in self._people}
            self._read_at |= dict.fromkeys(read, time.monotonic())
            self._doubts.add(Doubts(said=set(heard.said), read=read))

    async def _update(self) -> None:
        try:
            await self._compare()
            await self._pass_on()
            await self._count()
        except BUSY:
            self._reconciler.request()
            raise

    async def _compare(self) -> None:
        """Doubt what has moved since it was counted: the news of it may be lost."""
        if (now := time.monotonic()) < self._compare_at:
            return
        rooms = self._seqs.keys() & set().union(*[person.rooms for person in self._people.values()])
        self._seqs = {room: self._seqs[room] for room in rooms}
        seqs, entered = await _read_ends(rooms, self._last_entered)
        if any(seqs.get(room, 0) < self._seqs[room] for room in rooms):
            self._doubts.new.update(self._people)  # their counts are of another database
        self._doubts.said |= {room for room, seq in self._seqs.items() if seqs.get(room) != seq}
        self._doubts.read |= {(person, room) for _, person, room in entered if person in self._people}
        self._last_entered = entered[-1][0] if entered else self._last_entered
        self._compare_at = now + live.get_hub().compare_interval

    async def _pass_on(self) -> None:
        """Store what was read, and tell all processes, of which this is one."""
        if read := await _store(dict(self._read)):
            self._read = {member: seq for member, seq in self._read.items() if seq > read.get(member, -1)}
        if self._read:
            self._reconciler.request()
        said, self._said.rooms = self._said.rooms, set()
        if said or read:
            pairs = [(member.person, member.room) for member in read]
            live.get_hub().publish(unread_changes.TOPIC, unread_changes.News(said, pairs).event())

    async def _count(self) -> None:
        """Tell people what has changed."""
        doubts, self._doubts = self._doubts, Doubts()
        try:
            whole, changed = await _look(doubts, list(self._people))
        except BUSY:
            self._doubts.add(doubts)
            raise
        self._note_seqs(doubts.said, chain(changed, *whole.values()))
        for pk, places in whole.items():
            if person := self._people.get(pk):
                person.tell_all(places)
        self._forget_who_read_long_ago()
        for place in changed:
            if person := self._people.get(place.person):
                self._tell(person, place)

    def _note_seqs(self, said: set[int], places: Iterable[Place]) -> None:
        """Note up to where rooms were counted: those in `said` for all of their people, others for some."""
        least: dict[int, int] = {}
        for place in places:
            least[place.room] = min(place.last_seq, least.get(place.room, place.last_seq))
        kept = {room: seq for room, seq in self._seqs.items() if room not in said}
        self._seqs = least | kept

    def _tell(self, person: Person, place: Place) -> None:
        pair = (place.person, place.room)
        if pair in self._read_at and place.unread > person.unread(place.room):
            self._doubts.read.add(pair)  # and look again
            self._reconciler.request()
        else:
            person.tell(place)

    def _forget_who_read_long_ago(self) -> None:
        since = time.monotonic() - READING
        self._read_at = {pair: at for pair, at in self._read_at.items() if at > since}


async def _store(read: dict[Member, int]) -> dict[Member, int]:
    """Store how far people have read; what was stored: all but of rooms whose rows are locked."""
    read_all = in_writing_thread(actions.read_all)
    try:
        await read_all(read)
    except BUSY as error:
        if not is_conflict(error):
            raise
    else:
        return read
    stored: dict[Member, int] = {}
    for room in {member.room for member in read}:
        with suppress(*BUSY):
            of_room = {member: seq for member, seq in read.items() if member.room == room}
            await read_all(of_room)
            stored |= of_room
    return stored


async def _read_ends(
    rooms: Collection[int], last_entered: int | None
) -> tuple[dict[int, int], list[tuple[int, int, int]]]:
    """Read the ends of logs, and the memberships after one; after None, only the newest."""
    seqs: dict[int, int] = {}
    for some in unread_counts.in_pieces(rooms):
        seqs |= await database_sync_to_async(unread_counts.last_seqs)(some)
    if last_entered is None:
        return seqs, [(await database_sync_to_async(unread_counts.last_entered)(), 0, 0)]
    return seqs, await database_sync_to_async(unread_counts.entered_after)(last_entered)


async def _look(doubts: Doubts, people: list[int]) -> tuple[dict[int, list[Place]], list[Place]]:
    """All rooms of whoever is new, and those rooms of others that are in doubt."""
    whole: dict[int, list[Place]] = {pk: [] for pk in doubts.new}
    entered, doubted = await database_sync_to_async(_find)(doubts, people)
    for place in await _places(entered):
        whole[place.person].append(place)
    return whole, await _places(doubted)


def _find(doubts: Doubts, people: list[int]) -> tuple[list[int], list[int]]:
    """The memberships that are to be counted of whoever is new, and of others."""
    entered = unread_counts.entered_last(doubts.new) if doubts.new else []
    rooms = doubts.said | {room for _, room in doubts.read}
    doubted = people if doubts.said else {person for person, _ in doubts.read}
    return entered, unread_counts.in_rooms(rooms, doubted) if rooms else []


async def _places(keys: list[int]) -> list[Place]:
    """Count a few memberships in each call, so that what others ask of the database gets in between."""
    found = []
    for some in unread_counts.in_pieces(keys, AT_ONCE):
        found += await database_sync_to_async(unread_counts.places)(some)
    return found


get_unread = live.PerLoop(Unread)
