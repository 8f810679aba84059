"""Room with a steady sender that measures acknowledgements while its server is under load."""

import asyncio
import json
import time
from statistics import quantiles
from uuid import uuid4

from tests.servers.tab import TIMEOUT, Tab

# How often the room's speaker sends a message (seconds).
INTERVAL = 0.03


class TalkingRoom(Tab):
    """Tab that sends at fixed times, even if earlier messages are not acknowledged yet."""

    def __init__(self, server, room, headers=None):
        super().__init__(server, room, headers)
        self._sent = {}
        self._acknowledged = {}

    async def talk(self, seconds):
        """Send for some seconds. Return the delays of the acknowledgements (seconds, sorted)."""
        self._sent, self._acknowledged = {}, {}
        async with asyncio.TaskGroup() as group:
            group.create_task(self._say_all(round(seconds / INTERVAL)))
            group.create_task(self._hear_all(round(seconds / INTERVAL)))
        return sorted(self._acknowledged[client_id] - sent for client_id, sent in self._sent.items())

    async def _say_all(self, count):
        start = time.perf_counter()
        for number in range(count):
            await asyncio.sleep(start + number * INTERVAL - time.perf_counter())
            client_id = str(uuid4())
            self._sent[client_id] = time.perf_counter()
            await self.command(type="send", message=f"message {number}", client_id=client_id)

    async def _hear_all(self, count):
        async with asyncio.timeout(TIMEOUT):
            while len(self._acknowledged) < count:
                for event in json.loads(await self.socket.recv()):
                    if event.get("client_id") in self._sent:
                        self._acknowledged[event["client_id"]] = time.perf_counter()


def worst(latencies):
    """Return the 95th percentile: a stall delays many messages, noise only a few."""
    return quantiles(latencies, n=20)[-1]
