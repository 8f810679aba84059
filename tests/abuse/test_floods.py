"""Floods: a room continues, and its acknowledgements arrive about as fast as without the flood."""

import asyncio
import sys
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from tests.abuse.floods import FLOODS
from tests.abuse.room import TalkingRoom, worst
from tests.servers.processes import ROOT
from tests.servers.visitor import Visitor

# How late an acknowledgement may be (seconds); or twice as late as without the flood, on a busy machine.
LATE = 0.05

# How long it talks beside the flood, and without it where it was late (seconds).
FLOOD = 1.2

# A flood that holds the room up does so each time; another load of the machine, which is noise, now and then.
ROUNDS = 5


@asynccontextmanager
async def flooded(server, name):
    """Run a process that floods the server."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.abuse.floods",
        name,
        str(server.port),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield
        assert process.returncode is None, "the flood has ended"
    finally:
        process.kill()
        await process.wait()


@pytest.mark.timeout(900)  # with the wait for other processes
@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("name", FLOODS)
async def test_a_room_talks_on_beside_a_flood(server, name, request):
    seconds = 4 * FLOOD if request.config.getoption("--long") else FLOOD
    without = 0.0
    for _ in range(ROUNDS):
        room = await TalkingRoom(server, f"talk-{uuid4()}", Visitor(server).cookies).connect()
        async with flooded(server, name):
            during = worst(await room.talk(seconds))
        if is_late := during >= max(LATE, 2 * without):
            without = worst(await room.talk(seconds))  # the worst of as many
        await room.socket.close()
        if not is_late:
            break
    else:
        pytest.fail(f"{during:.3f} s, {without:.3f} s without")
    assert "Traceback" not in server.log
