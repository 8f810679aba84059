"""Presence of people in rooms, published to tabs: the changes, at most once a second."""

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

# How many people of a room are named; the others are only counted.
MAX_NAMED = 100

# People per query.
QUERY_CHUNK = 1000

# Shortest interval of updates, and debounce (seconds): people who join a large room at once are published
# together, not one by one.
PUBLISH_INTERVAL = 1
DEBOUNCE = 0.1

# Retry interval for names while the database is busy (seconds).
RECONCILE_INTERVAL = 4

# How long names are cached (seconds), since notifications of changes may be lost. While the channel layer is
# unreachable, they are read each time.
NAMES_TTL = 30

# How often the presence of everyone in the rooms is stored (seconds); that of new people is stored at once.
STORE_INTERVAL = 30 * 60


class RoomPresence:
    """Presence in a room that has tabs in this process."""

    def __init__(self, log: live.Log) -> None:
        self.log = log
        self.tabs = 0
        self.people: frozenset[int] = frozenset()
        self.published: dict[int, Present] = {}
        self.count = 0

    @property
    def named(self) -> list[int]:
        return sorted(self.people)[:MAX_NAMED]

    def make_snapshot(self) -> list[live.Event]:
        """Return the state as published so far, for a new tab."""
        return [_make_event(list(self.published.values()), [], self.count, True)] if self.count else []

    def publish_changes(self, names: dict[int, Present]) -> None:
        """Publish the changes to the tabs."""
        now = {person: names[person] for person in self.named if person in names}
        came = [each for person, each in now.items() if self.published.get(person) != each]
        left = [person for person in self.published if person not in now]
        if came or left or self.count != len(self.people):
            is_first, self.published, self.count = not self.count, now, len(self.people)
            self.log.append(_make_event(came, left, self.count, is_first))


class PresenceFeed:
    """Presence feed for all tabs of a process. Create it in a running event loop."""

    def __init__(self) -> None:
        self._rooms: dict[str, RoomPresence] = {}
        self._names: dict[int, Present] = {}
        self._renamed: dict[int, Present] = {}  # since the last reconciliation
        self._names_until = 0.0  # when the cached names expire (monotonic)
        self._stored: set[int] = set()  # people whose presence is stored
        self._store_again_at = 0.0  # when to store all of them again (monotonic)
        self._reconciler = live.Reconciler(
            RENAMED,
            self._reconcile,
            lambda: RECONCILE_INTERVAL,
            self._on_renamed,
            DEBOUNCE,
            PUBLISH_INTERVAL - DEBOUNCE,
        )

    @contextmanager
    def in_room(self, room: Room, log: live.Log, person: int) -> Iterator[list[live.Event]]:
        """Keep a person's tab in a room while the context lasts. Yield the tab's first events."""
        presence = self._rooms.get(room.topic)
        if presence is None or presence.log is not log:  # tabs of the old log still close
            presence = self._rooms[room.topic] = RoomPresence(log)
        presence.tabs += 1
        try:
            with live.get_presence_tracker().enter(room.topic, person, self._set_people):
                if not presence.people and (people := live.reported_people(room.topic)):
                    self._set_people(room.topic, people)
                yield presence.make_snapshot()
        finally:
            presence.tabs -= 1
            if not presence.tabs and self._rooms.get(room.topic) is presence:
                del self._rooms[room.topic]

    def with_current_name(self, user: User) -> Person:
        """Return a user with their current name, as far as this process knows it."""
        known = self._names.get(user.pk)
        return Person(user.pk, known.name if known else user.name)

    async def close(self) -> None:
        await self._reconciler.close()

    def _set_people(self, topic: str, people: frozenset[int]) -> None:
        if presence := self._rooms.get(topic):
            presence.people = people
            self._reconciler.request()

    def _on_renamed(self, batch: live.Batch) -> None:
        for event in batch.events:
            person = msgspec.json.decode(event.body, type=Present)
            self._renamed[person.id] = person
            if person.id in self._names:
                self._names[person.id] = person

    async def _reconcile(self) -> None:
        """Load missing or outdated names, and publish each room's changes."""
        wanted = {person for presence in self._rooms.values() for person in presence.named}
        now, is_healthy = time.monotonic(), live.get_hub().pubsub.is_healthy
        is_outdated = not is_healthy or now >= self._names_until
        self._renamed.clear()
        found = await _load_people(wanted if is_outdated else wanted - self._names.keys())
        if is_outdated:
            self._names_until = now + NAMES_TTL if is_healthy else now  # again, once it is healthy
        known = self._names | found | self._renamed
        self._names = {person: known[person] for person in wanted & known.keys()}
        for presence in self._rooms.values():
            presence.publish_changes(self._names)
        await self._store_presence()

    async def _store_presence(self) -> None:
        if (now := time.monotonic()) >= self._store_again_at:
            self._stored, self._store_again_at = set(), now + STORE_INTERVAL
        present = {person for presence in self._rooms.values() for person in presence.people}
        if late := present - self._stored:
            await database_sync_to_async(actions.record_presence)(late)
        self._stored = present


async def _load_people(people: Collection[int]) -> dict[int, Present]:
    wanted = list(people)
    found: dict[int, Present] = {}
    for start in range(0, len(wanted), QUERY_CHUNK):
        found |= await _read_names(wanted[start : start + QUERY_CHUNK])
    return found


@database_sync_to_async
def _read_names(people: list[int]) -> dict[int, Present]:
    rows = User.objects.filter(pk__in=people).values_list("pk", "name", "is_guest", "is_staff")
    return {row[0]: Present(*row) for row in rows}


def _make_event(*fields: Any) -> live.Event:
    return live.Event(None, protocol.encode_body(protocol.Presence(*fields)))


get_presence_feed = live.PerLoop(PresenceFeed)
