"""A source and a layer that do what they are told, and what the tests of the hub do with them."""

import asyncio
from contextlib import asynccontextmanager
from itertools import chain

from channels.layers import InMemoryChannelLayer

from live import Event, Head, Hub

TOPIC = "room.1"


class Room:
    """A source that remembers what it was asked."""

    def __init__(self):
        self.events = []
        self.epoch = ""
        self.asked = []
        self.broken = False
        self.timeline = 0
        self.compared = asyncio.Event()

    def commit(self, change=None):
        """Store the next event, in the place of an earlier one where it is a change of that."""
        seq = (self.events[-1].seq if self.events else 0) + 1
        event = Event(seq, b'{"seq":%d}' % seq, f"{seq}.{self.timeline}")
        self.events = [e for e in self.events if e.seq != change] + [event]
        return event

    def set_back(self, seq):
        """Restore it as it was at `seq`. What is committed from then on is something else."""
        self.events = [e for e in self.events if e.seq <= seq]
        self.timeline += 1

    @property
    def head(self):
        return self.events[-1].seq if self.events else 0

    async def since(self, topic, seq, limit):
        self.asked.append(seq)
        events = [e for e in self.events if e.seq > seq][:limit]
        await asyncio.sleep(0)  # what is committed from here on is not in the answer
        if self.broken:
            raise OSError("the database is away")
        return events, events[-1].seq if events else seq

    async def heads(self, topics):
        self.compared.set()
        key = self.events[-1].key if self.events else None
        return dict.fromkeys(topics, Head(self.head, self.epoch, key))

    async def renew(self, topic, epoch):
        if self.epoch == epoch:
            self.epoch = f"{epoch}*"


class Layer(InMemoryChannelLayer):
    """A layer that can lose, refuse and hang, as Redis does."""

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


class Reader:
    """Keeps the batches it is given; while it is `slow`, it takes each only when it is let (`go_on`)."""

    def __init__(self, log, cursor, is_slow=False):
        self.batches = []  # of seqs
        self.lost = None
        self.is_slow = is_slow
        self.may_go_on = asyncio.Event()
        self.news = asyncio.Event()
        self.following = log.follow(cursor, self.take, self.lose)

    def __enter__(self):
        self.following.__enter__()
        return self

    def __exit__(self, *exception):
        self.following.__exit__(*exception)

    async def take(self, batch):
        if self.is_slow:
            await self.may_go_on.wait()
        self.batches.append([event.seq for event in batch.events])
        self.news.set()

    def lose(self, error):
        self.lost = error
        self.news.set()

    async def until(self, seq):
        """All seqs until this one has come; raises what it was lost with."""
        async with asyncio.timeout(2):
            while not self.batches or self.batches[-1][-1] != seq:
                self.news.clear()
                await self.news.wait()
                if self.lost:
                    raise self.lost
        return list(chain(*self.batches))


async def read(log, cursor, upto):
    """The seqs that a reader gets until one is `upto`."""
    with Reader(log, cursor) as reader:
        return await reader.until(upto)


async def until(condition):
    while not condition():
        await asyncio.sleep(0)
