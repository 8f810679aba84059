"""Who is in a room now, as its tabs are told it: once a second at most, what has changed."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from channels.db import database_sync_to_async

import live
from accounts import actions
from accounts.models import User
from accounts.revocation import RENAMED
from chat import protocol
from chat.models import Room
from chat.protocol import Person, Present

# How many people of a room are named; the rest are counted.
MOST_NAMED = 100

# How many people are asked for in one query.
MOST_AT_ONCE = 1000

# How often tabs are told, at most, and what comes within which time together (seconds): else all who come to
# a large room at once would be told of one by one to all the others.
TELL_EVERY = 1
PAUSE = 0.1

# How often rooms that wait for a name are looked at, while the database is busy (seconds).
EVERY = 4

# How long names are kept before they are read again, since news of a change may be lost (seconds). While the
# channel layer is unreachable, they are read again each time.
NAMES_TTL = 30

# How often it is noted for all people of the rooms that they are here (seconds); for who comes, at once.
NOTE_EVERY = 30 * 60


class Here:
    """A room that has tabs in this process."""

    def __init__(self, log: live.Log) -> None:
        self.log = log
        self.tabs = 0
        self.people: frozenset[int] = frozenset()
        self.told: dict[int, Present] = {}
        self.count = 0

    @property
    def named(self) -> list[int]:
        return sorted(self.people)[:MOST_NAMED]

    def state(self) -> list[live.Event]:
        """For a tab that comes: what the others have been told, if anything."""
        return [_event(list(self.told.values()), [], self.count, True)] if self.count else []

    def tell(self, names: dict[int, Present]) -> None:
        """Tell the tabs what has changed."""
        now = {person: names[person] for person in self.named if person in names}
        came = [each for person, each in now.items() if self.told.get(person) != each]
        left = [person for person in self.told if person not in now]
        if came or left or self.count != len(self.people):
            is_first, self.told, self.count = not self.count, now, len(self.people)
            self.log.append(_event(came, left, self.count, is_first))


class People:
    """What all tabs of a process are told. It must be made in a running event loop."""

    def __init__(self) -> None:
        self._rooms: dict[str, Here] = {}
        self._names: dict[int, Present] = {}
        self._renamed: dict[int, Present] = {}  # since the last look
        self._names_until = 0.0  # when to read all names again (monotonic)
        self._noted: set[int] = set()  # the people who are noted as present
        self._note_again_at = 0.0  # when to note all of them again (monotonic)
        self._reconciler = live.Reconciler(
            RENAMED, self._look, lambda: EVERY, self._hear, PAUSE, TELL_EVERY - PAUSE
        )

    @contextmanager
    def in_room(self, room: Room, log: live.Log, person: int) -> Iterator[list[live.Event]]:
        """A tab of a person is in a room while the context lasts. Gives what it is to be told first."""
        here = self._rooms.get(room.topic)
        if here is None or here.log is not log:  # as while the tabs of a log that was set back still close
            here = self._rooms[room.topic] = Here(log)
        here.tabs += 1
        try:
            with live.get_presence_tracker().enter(room.topic, person, self._note):
                if not here.people:
                    self._note(room.topic, live.people_in(room.topic))
                yield here.state()
        finally:
            here.tabs -= 1
            if not here.tabs and self._rooms.get(room.topic) is here:
                del self._rooms[room.topic]

    def called(self, user: User) -> Person:
        """Somebody under the name that they now have, as far as it is known here."""
        known = self._names.get(user.pk)
        return Person(user.pk, known.name if known else user.name)

    async def close(self) -> None:
        await self._reconciler.close()

    def _note(self, topic: str, people: frozenset[int]) -> None:
        if here := self._rooms.get(topic):
            here.people = people
            self._reconciler.request()

    def _hear(self, batch: live.Batch) -> None:
        for event in batch.events:
            person = msgspec.json.decode(event.body, type=Present)
            self._renamed[person.id] = person
            if person.id in self._names:
                self._names[person.id] = person

    async def _look(self) -> None:
        """Ask for the names that are not known or outdated, and tell each room what has changed there."""
        wanted = {person for here in self._rooms.values() for person in here.named}
        now, is_healthy = time.monotonic(), live.get_hub().pubsub.is_healthy
        is_outdated = not is_healthy or now >= self._names_until
        self._renamed.clear()
        found = await _names(wanted if is_outdated else wanted - self._names.keys())
        if is_outdated:
            self._names_until = now + NAMES_TTL if is_healthy else now  # again, once it is healthy
        known = self._names | found | self._renamed
        self._names = {person: known[person] for person in wanted & known.keys()}
        for here in self._rooms.values():
            here.tell(self._names)
        await self._note_present()

    async def _note_present(self) -> None:
        if (now := time.monotonic()) >= self._note_again_at:
            self._noted, self._note_again_at = set(), now + NOTE_EVERY
        present = {person for here in self._rooms.values() for person in here.people}
        if late := present - self._noted:
            await database_sync_to_async(actions.note_present)(late)
        self._noted = present


async def _names(people: Collection[int]) -> dict[int, Present]:
    asked = list(people)
    found: dict[int, Present] = {}
    for start in range(0, len(asked), MOST_AT_ONCE):
        found |= await _read_names(asked[start : start + MOST_AT_ONCE])
    return found


@database_sync_to_async
def _read_names(people: list[int]) -> dict[int, Present]:
    rows = User.objects.filter(pk__in=people).values_list("pk", "name", "is_guest", "is_staff")
    return {row[0]: Present(*row) for row in rows}


def _event(*told: Any) -> live.Event:
    return live.Event(None, protocol.body(protocol.Presence(*told)))


get_people = live.PerLoop(People)
