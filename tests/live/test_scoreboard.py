"""Example in live/README.md: a log without the chat, on a server of its own."""

import asyncio
import json
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.conf import settings
from websockets.asyncio.client import connect

from tests.servers.processes import free_port

ROOT = Path(settings.BASE_DIR)


@pytest.fixture
async def scoreboard():
    """Run the score board. Return its address."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "examples.scoreboard.asgi:application", f"--port={port}"]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stderr=subprocess.PIPE)
    try:
        async with asyncio.timeout(60):
            while b"running on" not in await process.stderr.readline():
                pass
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        await process.communicate()


@asynccontextmanager
async def tab(address, cursor=0):
    url = f"ws://{address}/ws/{cursor}/"
    async with asyncio.timeout(30), connect(url, origin=f"http://{address}", proxy=None) as socket:
        yield socket


async def events(socket):
    return json.loads(await socket.recv())


async def test_a_goal_reaches_all_tabs_and_those_that_return(scoreboard):
    with urlopen(f"http://{scoreboard}/") as page:  # noqa: ASYNC210
        assert "Score board" in page.read().decode()
    red, blue = {"seq": 1, "team": "red"}, {"seq": 2, "team": "blue"}
    async with tab(scoreboard) as one, tab(scoreboard) as other:
        await one.send("red")
        assert await events(one) == await events(other) == [red]
        await other.send("blue")
        assert await events(one) == await events(other) == [blue]
    async with tab(scoreboard) as new, tab(scoreboard, cursor=1) as back:
        assert await events(new) == [red, blue]
        assert await events(back) == [blue]


def test_the_readme_shows_the_example_as_it_is():
    code = (ROOT / "examples/scoreboard/consumers.py").read_text()
    assert f"```python\n{code}```" in (ROOT / "live/README.md").read_text()
