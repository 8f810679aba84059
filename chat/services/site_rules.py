"""Feed of changes to the site's rules and to approvals, made in any process, for the tabs of this process."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import msgspec
from channels.db import database_sync_to_async

import live
from accounts.models import User
from chat.models import SiteRules, SiteWriters
from live.log import OnBatch, OnError

TOPIC = "site"


class SiteChanged(msgspec.Struct):
    """Change of the rules, or of whether a person is approved."""

    person: int | None = None
    is_approved: bool = False

    def event(self) -> live.Event:
        return live.Event(None, msgspec.json.encode(self))


class SiteRulesFeed:
    """Feed for all tabs of a process. Create it in a running event loop."""

    def __init__(self) -> None:
        self._rules: SiteRules | None = None
        self._people: Counter[int] = Counter()  # those of the tabs
        self._approved: set[int] = set()
        self._log = live.Log(0)
        self._reconciler = live.Reconciler(
            TOPIC, self._reconcile, lambda: live.get_hub().compare_interval, self._on_batch
        )

    async def load(self) -> SiteRules:
        """Return the rules as this process knows them. The first call reads them."""
        if self._rules is None:
            self._rules = await _load()
        return self._rules

    @contextmanager
    def follow(self, person: int, on_batch: OnBatch, on_error: OnError) -> Iterator[None]:
        """Subscribe a person's tab to each `SiteChanged` while the context lasts, as in `Log.subscribe`."""
        self._people[person] += 1
        try:
            with self._log.subscribe(self._log.seq, on_batch, on_error):
                yield
        finally:
            self._people -= Counter([person])

    async def close(self) -> None:
        await self._reconciler.close()

    def _on_batch(self, batch: live.Batch) -> None:
        """Pass approvals on; for the rules, `_reconcile` follows."""
        for event in batch.events:
            if msgspec.json.decode(event.body, type=SiteChanged).person:
                self._log.append(event)

    async def _reconcile(self) -> None:
        """Read the rules and approvals again, also at intervals, since notifications may be lost."""
        before, self._rules = self._rules, await _load()
        if before and before.writers != self._rules.writers:
            self._log.append(SiteChanged().event())
        if self._rules.writers != SiteWriters.EVERYONE:
            people = set(self._people)
            approved = await _find_approved(people)
            for person in (self._approved ^ approved) & people:
                self._log.append(SiteChanged(person, person in approved).event())
            self._approved = approved


@database_sync_to_async
def _find_approved(people: Collection[int]) -> set[int]:
    return set(User.objects.filter(pk__in=people, is_approved=True).values_list("pk", flat=True))


_load = database_sync_to_async(SiteRules.load)


def publish_rules() -> None:
    """Publish to all processes, from any thread, that the rules have changed. Never raise."""
    SiteRules.forget()
    live.publish(TOPIC, SiteChanged().event())


def publish_approval(person: int, is_approved: bool) -> None:
    """Publish to all processes, from any thread, whether a person is approved. Never raise."""
    live.publish(TOPIC, SiteChanged(person, is_approved).event())


get_site_rules_feed = live.PerLoop(SiteRulesFeed)
