"""Feed of people's roles and approvals, changed in any process, for the tabs of this process."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import msgspec
from channels.db import database_sync_to_async
from django.db import transaction

import live
from accounts.models import User
from base.database import DATABASE_ERRORS
from chat import permissions
from chat.models import Role
from chat.queries.unread_counts import split_into_chunks

TOPIC = "roles"

# Waits before and after a comparison, so that one is for all tabs that come together (seconds).
DEBOUNCE = 0.05
COOLDOWN = 0.5

Pair = tuple[int, int]  # a room and a person, by their keys


class Standing(NamedTuple):
    """What decides about a person in a room: the role, a member's without a membership, and two marks."""

    role: str
    is_staff: bool
    is_approved: bool


OnStanding = Callable[[Standing], None]


class RolesChanged(msgspec.Struct):
    """Changes of roles, and of people in all their rooms."""

    pairs: Collection[Pair] = ()
    people: Collection[int] = ()


@dataclass(eq=False)
class Follower:
    """Tab that was told a standing."""

    told: Standing
    on_change: OnStanding


class RoleFeed:
    """Feed for all tabs of a process. Create it in a running event loop."""

    def __init__(self) -> None:
        self._followers: dict[Pair, set[Follower]] = {}
        self._changed: set[Pair] = set()
        self._compare_at = 0.0  # time of the next comparison of all (monotonic)
        self._reconciler = live.Reconciler(
            TOPIC,
            self._reconcile,
            lambda: live.get_hub().compare_interval,
            self._on_batch,
            DEBOUNCE,
            COOLDOWN,
        )

    @contextmanager
    def follow(self, pair: Pair, told: Standing, on_change: OnStanding) -> Iterator[None]:
        """Call `on_change` with each standing that differs from the last one, while the context lasts.

        `told` is the one that was read before the call.
        """
        follower = Follower(told, on_change)
        self._followers.setdefault(pair, set()).add(follower)
        self._changed.add(pair)  # it may have changed since it was read
        self._reconciler.request()
        try:
            yield
        finally:
            self._followers[pair].discard(follower)
            if not self._followers[pair]:
                del self._followers[pair]

    async def close(self) -> None:
        await self._reconciler.close()

    def _on_batch(self, batch: live.Batch) -> None:
        for event in batch.events:
            changed = msgspec.json.decode(event.body, type=RolesChanged)
            self._changed |= {*changed.pairs} & self._followers.keys()
            if people := {*changed.people}:
                self._changed |= {pair for pair in self._followers if pair[1] in people}

    async def _reconcile(self) -> None:
        """Compare the roles that have changed, and at intervals all, since notifications may be lost."""
        pairs, self._changed = self._changed & self._followers.keys(), set()
        if (now := time.monotonic()) >= self._compare_at:
            pairs, self._compare_at = {*self._followers}, now + live.get_hub().compare_interval
        if not pairs:
            return
        try:
            found = await _load(pairs)
        except DATABASE_ERRORS:
            self._changed |= pairs
            raise
        for pair, now_is in found.items():
            for follower in [*self._followers.get(pair, ())]:
                if follower.told != now_is:
                    follower.told = now_is
                    follower.on_change(now_is)


@database_sync_to_async
def _load(pairs: Collection[Pair]) -> dict[Pair, Standing]:
    found = {}
    for some in split_into_chunks(pairs):
        roles = permissions.load_higher_roles({*some})
        people = User.objects.filter(pk__in={person for _, person in some})
        marks = people.exclude(is_staff=False, is_approved=False).in_bulk()
        for pair in some:
            person = marks.get(pair[1])
            marked = (person.is_staff, person.is_approved) if person else (False, False)
            found[pair] = Standing(roles.get(pair, Role.MEMBER), *marked)
    return found


def publish_roles(pairs: Collection[Pair]) -> None:
    """Publish changed roles to all processes after the commit. Pairs are the keys of a room and a person."""
    if pairs:
        _publish(RolesChanged(pairs))


def publish_approval(person: int) -> None:
    """Publish to all processes after the commit that a person is approved now, or is not any more."""
    _publish(RolesChanged(people=[person]))


def _publish(changed: RolesChanged) -> None:
    event = live.Event(None, msgspec.json.encode(changed))
    transaction.on_commit(partial(live.publish, TOPIC, event))


get_role_feed = live.PerLoop(RoleFeed)
