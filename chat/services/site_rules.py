"""Feed of changes to the site's rules, made in any process, for the tabs of this process."""

from contextlib import AbstractContextManager

from channels.db import database_sync_to_async

import live
from chat.models import SiteRules
from live.log import OnBatch, OnError

TOPIC = "site"

# Its body is for processes of the version before.
CHANGED = live.Event(None, b"{}")


class SiteRulesFeed:
    """Feed for all tabs of a process. Create it in a running event loop."""

    def __init__(self) -> None:
        self._rules: SiteRules | None = None
        self._log = live.Log(0)
        self._reconciler = live.Reconciler(TOPIC, self._reconcile, lambda: live.get_hub().compare_interval)

    async def load(self) -> SiteRules:
        """Return the rules as this process knows them. The first call reads them."""
        if self._rules is None:
            self._rules = await _load()
        return self._rules

    def follow(self, on_batch: OnBatch, on_error: OnError) -> AbstractContextManager[None]:
        """Subscribe a tab to changes of who may write while the context lasts, as in `Log.subscribe`."""
        return self._log.subscribe(self._log.seq, on_batch, on_error)

    async def close(self) -> None:
        await self._reconciler.close()

    async def _reconcile(self) -> None:
        """Read the rules again, also at intervals, since notifications may be lost."""
        before, self._rules = self._rules, await _load()
        if before and before.writers != self._rules.writers:
            self._log.append(CHANGED)


_load = database_sync_to_async(SiteRules.load)


def publish_rules() -> None:
    """Publish to all processes, from any thread, that the rules have changed. Never raise."""
    SiteRules.forget()
    live.publish(TOPIC, CHANGED)


get_site_rules_feed = live.PerLoop(SiteRulesFeed)
