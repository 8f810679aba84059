"""Fakes for the tests of the hub: a source, a channel layer and a subscriber, with faults on demand."""

import asyncio
from contextlib import asynccontextmanager
from itertools import chain

from channels.layers import InMemoryChannelLayer

from live import Event, Head, Hub

TOPIC = "room.1"


class Room:
    """Source in memory that records its reads."""

    def __init__(self):
        self.events = []
        self.epoch = ""
        self.asked = []
        self.broken = False
        self.timeline = 0
        self.clock = 0
        self.compared = asyncio.Event()

    def commit(self, change=None):
        """Store the next event; a change replaces the event with that `seq`, and has its key."""
        seq = self.head + 1
        self.clock += 1
        keys = {e.seq: e.key for e in self.events}
        key = keys.get(change, f"{seq}.{self.timeline}")
        event = Event(seq, b'{"seq":%d}' % seq, key, change in keys, self.clock)
        self.events = [e for e in self.events if e.seq != change] + [event]
        return event

    def rewind(self, seq):
        """Restore the state at `seq`. Later commits have other keys than before."""
        self.events = [e for e in self.events if e.seq <= seq]
        self.timeline += 1

    @property
    def head(self):
        return self.events[-1].seq if self.events else 0

    async def read_after(self, topic, seq, limit):
        self.asked.append(seq)
        events = [e for e in self.events if e.seq > seq][:limit]
        await asyncio.sleep(0)  # later commits are not in the result
        if self.broken:
            raise OSError("the database is down")
        return events, events[-1].seq if events else seq

    async def read_heads(self, topics):
        self.compared.set()
        if self.broken:
            raise OSError("the database is down")
        state = (self.events[-1].key, self.events[-1].changed_at) if self.events else ()
        return dict.fromkeys(topics, Head(self.head, self.epoch, *state))

    async def renew_epoch(self, topic, epoch):
        if self.epoch == epoch:
            self.epoch = f"{epoch}*"


class Layer(InMemoryChannelLayer):
    """Channel layer that loses messages, refuses or hangs, as Redis does."""

    def __init__(self):
        super().__init__()
        self.fate = "deliver"
        self.added = asyncio.Event()
        self.sent = asyncio.Queue()
        self.refused = asyncio.Queue()

    async def send(self, channel, message):
        if await self.survives():
            await super().send(channel, message)

    async def group_send(self, group, message):
        if await self.survives():
            await super().group_send(group, message)
        self.sent.put_nowait(message)

    async def survives(self):
        if self.fate == "hang":
            await asyncio.Event().wait()
        if self.fate == "refuse":
            raise ConnectionError("no Redis")
        return self.fate == "deliver"

    async def group_add(self, group, channel):
        if self.fate == "refuse":
            self.refused.put_nowait(channel)
            raise ConnectionError("no Redis")
        await super().group_add(group, channel)
        self.added.set()


@asynccontextmanager
async def hubs(layer, count=1):
    made = [Hub(layer) for _ in range(count)]
    try:
        yield made
    finally:
        for one in made:
            await one.close()


class Subscriber:
    """Subscriber that records its batches; if it `is_slow`, it waits for `may_go_on` before each."""

    def __init__(self, log, cursor, is_slow=False):
        self.batches = []  # of seqs
        self.error = None
        self.is_slow = is_slow
        self.may_go_on = asyncio.Event()
        self.changed = asyncio.Event()
        self.subscription = log.subscribe(cursor, self.on_batch, self.on_error)

    def __enter__(self):
        self.subscription.__enter__()
        return self

    def __exit__(self, *exception):
        self.subscription.__exit__(*exception)

    async def on_batch(self, batch):
        if self.is_slow:
            await self.may_go_on.wait()
        self.batches.append([event.seq for event in batch.events])
        self.changed.set()

    def on_error(self, error):
        self.error = error
        self.changed.set()

    async def until(self, seq):
        """Return all seqs up to `seq`. Raise the error that ends the subscription."""
        async with asyncio.timeout(2):
            while not self.batches or self.batches[-1][-1] != seq:
                self.changed.clear()
                await self.changed.wait()
                if self.error:
                    raise self.error
        return list(chain(*self.batches))


async def receive(log, cursor, upto):
    """Return the seqs that a subscriber gets, up to one."""
    with Subscriber(log, cursor) as subscriber:
        return await subscriber.until(upto)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)
