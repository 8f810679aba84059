"""Private rooms under faults: who is out hears nothing, and all who are in hear everything."""

import asyncio
import json
import os
import re
import signal
from contextlib import asynccontextmanager, suppress

import pytest

from chat.soak.client import Client
from tests.servers.processes import UNLIMITED, Server
from tests.servers.visitor import Visitor

# How long a member stays away, and for how long a worker is stopped (seconds).
ABSENCE = 0.8

# Timeout of what must happen within seconds.
TIMEOUT = 60


class Member:
    """Person with a tab in a private room. `overheard` are messages that the tab got while they were out."""

    def __init__(self, server):
        self.server, self.visitor = server, Visitor(server)
        self.shown, self.overheard = {}, []
        self.left_at = None  # the last number of the log when the person was removed
        self.said = 0

    def join(self, link):
        self.visitor.post(link)
        self.left_at = None

    def open_tab(self, room):
        self.room = room
        self.client = Client(self.server.url, room, self.on_message, self.shown.clear, max_delay=1)
        self.client.use_session(self.visitor.cookies)
        self.running = asyncio.create_task(self.client.run())

    def on_message(self, message):
        if self.left_at is not None and message["number"] > self.left_at:
            self.overheard.append(message)
        self.shown[message["number"]] = message["message"]

    async def come_back(self):
        """Go on in the same tab, without what was refused meanwhile."""
        for client_id in self.client.failed:
            self.client.unsent.pop(client_id, None)
        self.client.failed.clear()
        self.client.refused = ""
        self.running = asyncio.create_task(self.client.run())

    def say(self):
        self.said += 1
        self.client.send(f"{self.visitor.cookies} {self.said}")

    async def stored(self):
        """Return the texts of the room's messages, by number."""
        return {each["number"]: each["message"] for each in await self.client.history(1)}


def create_room(owner):
    page = owner.visitor.post("/rooms/private/", title="Choir")
    return re.search(r"/chat/(~[a-z0-9]{22})/", page.url)[1]


def invite(owner, room):
    given = {"role": "member", "lifetime": "hour", "uses": "one"}
    page = owner.visitor.post(f"/chat/{room}/invitations/", **given).read().decode()
    return re.search(r"(/join/[\w-]{22}/)", page)[1]


def find_pk(person):
    return json.load(person.visitor.get("/csrf/"))["you"]


async def remove(owner, room, member):
    await asyncio.to_thread(owner.visitor.post, f"/chat/{room}/members/{member.pk}/remove/")
    member.left_at = max(await owner.stored())


@asynccontextmanager
async def fault(server, kind):
    """Harm the server while the context lasts: nothing, a worker that is killed, or one that hangs."""
    worker = server.workers()[0]
    if kind == "killed":
        os.kill(worker, signal.SIGKILL)
    elif kind == "hangs":
        os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        if kind == "hangs":
            with suppress(ProcessLookupError):  # the supervisor has replaced it
                os.kill(worker, signal.SIGCONT)


async def until(condition):
    async with asyncio.timeout(TIMEOUT):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", ["nothing", "killed", "hangs"])
async def test_a_member_is_removed_and_comes_back_while_everybody_talks(kind, is_long):
    with Server(environment=UNLIMITED | {"WORKERS": "2"}) as server:
        people = [await asyncio.to_thread(Member, server) for _person in range(4)]
        owner, *_, restless = people
        room = await asyncio.to_thread(create_room, owner)
        for person in people[1:]:
            person.pk = await asyncio.to_thread(find_pk, person)
            await asyncio.to_thread(person.join, await asyncio.to_thread(invite, owner, room))
        for person in people:
            person.open_tab(room)
        await until(lambda: all(person.client.is_open for person in people))

        async def talk():
            while True:
                for person in people:
                    if person.client.is_open and len(person.client.unsent) < 5:
                        person.say()
                    await asyncio.sleep(0.05)

        talking = asyncio.create_task(talk())
        for _round in range(6 if is_long else 2):
            async with fault(server, kind):
                await remove(owner, room, restless)
                await asyncio.sleep(ABSENCE)
            async with asyncio.timeout(TIMEOUT):
                await restless.running  # refused
            await asyncio.to_thread(restless.join, await asyncio.to_thread(invite, owner, room))
            await restless.come_back()
            await until(lambda: restless.client.is_open)
        talking.cancel()
        await until(lambda: not any(person.client.unsent for person in people))
        stored = await owner.stored()
        for person in people:
            known = {number: text for number, text in stored.items() if number >= min(person.shown)}
            await until(lambda person=person, known=known: person.shown == known)
        for person in people:
            person.running.cancel()
        await asyncio.wait([person.running for person in people])
        assert restless.overheard == []
        assert len(set(stored.values())) > 20
