"""Sockets' messages on their way into the database: what comes while one batch is stored is the next."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from typing import NamedTuple

from channels.db import database_sync_to_async
from django.db import DataError, Error, IntegrityError

import live
from chat import actions
from chat.drafts import Draft
from chat.models import Message
from live.who import Who

# What the database raises: it is busy, away, read-only, damaged, or of another version than this process.
BUSY = (Error,)

# Of these, what a single message may cause.
OF_ONE = (DataError, IntegrityError)

# How many messages are stored in one transaction, at most.
LARGEST_BATCH = 100

Sent = tuple[Message, bool]


class Waiting(NamedTuple):
    """A message that waits to be stored, and who sends it."""

    draft: Draft
    sent: asyncio.Future[Sent]
    who: Who


class Writer:
    """Stores the messages of a process's sockets, several at once: a commit costs more than a message.

    A socket waits for its message, so no more wait here than there are sockets. It must be made in a
    running event loop.
    """

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def send(self, draft: Draft, who: Who) -> Sent:
        """As `actions.send`. When more wait than a batch takes, addresses take turns, and people in them."""
        loop = asyncio.get_running_loop()
        sent: asyncio.Future[Sent] = loop.create_future()
        self._waiting.append(Waiting(draft, sent, who))
        if self._task is None:
            self._task = loop.create_task(self._run(), context=Context())
        return await sent

    async def _run(self) -> None:
        while self._waiting:
            if len(self._waiting) > LARGEST_BATCH:
                of_people = _by_turns(self._waiting, lambda each: each.who.key)
                self._waiting = _by_turns(of_people, lambda each: each.who.address)
            batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            await self._store(batch)
        self._task = None

    async def _store(self, batch: list[Waiting]) -> None:
        outcomes: list[Sent | Exception]
        try:
            outcomes = [*await database_sync_to_async(actions.send_all)([each.draft for each in batch])]
        except Exception as error:
            is_of_one = isinstance(error, OF_ONE) or not isinstance(error, BUSY)
            if len(batch) > 1 and is_of_one:  # one of them spoils it for the others
                for each in batch:
                    await self._store([each])
                return
            outcomes = [error] * len(batch)
        for (_, sent, _), outcome in zip(batch, outcomes, strict=True):
            if sent.done():
                continue  # its tab has gone meanwhile
            if isinstance(outcome, Exception):
                sent.set_exception(outcome)
            else:
                sent.set_result(outcome)


def _by_turns(waiting: list[Waiting], whose: Callable[[Waiting], str]) -> list[Waiting]:
    """The first of each, then the second of each, and so on; each one's own stay in order."""
    turns = Counter[str]()

    def turn(each: Waiting) -> int:
        turns[whose(each)] += 1
        return turns[whose(each)]

    return sorted(waiting, key=turn)


get_writer = live.OfLoop(Writer)
