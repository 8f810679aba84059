"""Bursts of edits: they delay other writers about as much as bursts of messages do."""

import asyncio
import json
import time
from statistics import median
from uuid import uuid4

from tests.abuse.test_floods import ROUNDS
from tests.servers.tab import TIMEOUT, Tab
from tests.servers.visitor import Visitor

# Guests, the rooms that each of them is in, and the commands of a burst in each: within all limits.
GUESTS, ROOMS, COMMANDS = 4, 8, 12


def send():
    return {"type": "send", "message": "hi", "client_id": str(uuid4())}


def edit():
    return {"type": "edit", "number": 1, "message": "changed"}


async def burst(tab, make):
    """Send commands at once, and read until the last is done."""
    for command in [*(make() for _ in range(COMMANDS)), {"type": "ping"}]:
        await tab.socket.send(json.dumps(command))
    async with asyncio.timeout(TIMEOUT):
        while not any(event["type"] == "pong" for event in json.loads(await tab.socket.recv())):
            pass


async def delay(editor, tabs, make):
    """Return the median time of the editor's edits during a burst of the tabs (seconds)."""
    latencies = []
    bursts = asyncio.gather(*(burst(tab, make) for tab in tabs))
    while not bursts.done():
        begun, text = time.perf_counter(), str(uuid4())
        await editor.command(type="edit", number=1, message=text)
        await editor.until(lambda text=text: editor.texts == [text])
        latencies.append(time.perf_counter() - begun)
    await bursts
    return median(latencies)


async def test_a_burst_of_edits_delays_others_about_as_much_as_one_of_messages(server):
    for _ in range(ROUNDS):
        editor = await Tab(server, str(uuid4()), Visitor(server).cookies).connect()
        await editor.say("hi")
        guests = [Visitor(server).cookies for _ in range(GUESTS)]
        tabs = [await Tab(server, str(uuid4()), guest).connect() for guest in guests for _ in range(ROOMS)]
        beside_messages, beside_edits = await delay(editor, tabs, send), await delay(editor, tabs, edit)
        for tab in (editor, *tabs):
            await tab.socket.close()
        if beside_edits < 2 * beside_messages:
            break
    else:
        raise AssertionError(f"{beside_edits:.3f} s, {beside_messages:.3f} s beside messages")
