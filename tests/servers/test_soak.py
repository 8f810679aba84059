"""`manage.py soak` against a running Lobby: the table at the end, and the exit status."""

import asyncio
import json
import signal
import subprocess
import sys
from itertools import count
from threading import Event, Thread

import pytest
from django.core.management import CommandError, call_command
from websockets.asyncio.server import serve
from websockets.http11 import Headers, Response

from chat.management.commands import soak
from tests.servers.processes import ROOT


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "manage.py", "soak", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_all_that_was_said_was_heard_in_rooms_with_a_history(lobby):
    for _ in range(2):
        done = start(lobby.url, "--seconds", "2", "--tabs", "4", "--rooms", "2", "--rate", "10")
        output, progress = done.communicate(timeout=60)
        assert done.returncode == 0, output + progress
        assert "connected 4 of 4" in progress
        assert output.splitlines()[-1].split()[:8] == ["all", "2", "20", "20", "40", "0", "0", "0"]


def test_ctrl_c_ends_it_with_the_table(lobby):
    done = start(lobby.url, "--tabs", "2")
    done.stderr.readline()
    done.send_signal(signal.SIGINT)
    output, _ = done.communicate(timeout=30)
    assert done.returncode == 0
    assert output.splitlines()[-1].startswith("  all")


class Liar(Thread):
    """Server that acknowledges messages, but sends them to nobody."""

    def __init__(self):
        super().__init__()
        self.ready = Event()

    def run(self):
        asyncio.run(self.serve())

    async def serve(self):
        self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
        numbers = count(1)

        async def page(socket, request):
            return None if "Upgrade" in request.headers else Response(200, "OK", Headers(), b"")

        async def lie(socket):
            await socket.send(json.dumps([{"type": "welcome", "epoch": "", "seq": 0, "reset": False}]))
            async for frame in socket:
                number = next(numbers)
                event = json.loads(frame) | {"type": "message", "number": number, "seq": number}
                await socket.send(json.dumps([event]))

        async with serve(lie, "127.0.0.1", 0, process_request=page, subprotocols=["lobby.v1"]) as server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self.ready.set()
            await self.over.wait()

    def __enter__(self):
        self.start()
        self.ready.wait()
        return self

    def __exit__(self, *exception):
        self.loop.call_soon_threadsafe(self.over.set)
        self.join()


def test_what_was_lost_is_told(monkeypatch, capsys):
    monkeypatch.setattr(soak, "SETTLE_TIMEOUT", 0.5)
    with Liar() as liar, pytest.raises(SystemExit) as exit_:
        call_command("soak", liar.url, seconds=1, tabs=2, rooms=1, rate=4)
    assert exit_.value.code == 1
    assert capsys.readouterr().out.splitlines()[-1].split()[:6] == ["all", "1", "4", "4", "4", "4"]


@pytest.mark.parametrize(
    ("url", "options", "says"),
    [
        ("http://127.0.0.1:1", {}, "Connection refused; start Lobby there"),
        ("nonsense", {}, "give the address of a running Lobby"),
        ("http://127.0.0.1:x", {}, "give the address of a running Lobby"),
        ("http://127.0.0.1", {"tabs": 0}, "give --tabs as a number above 0"),
        ("http://127.0.0.1", {"rate": float("nan")}, "give --rate as a number above 0"),
    ],
)
def test_what_cannot_be_says_what_to_do(url, options, says):
    with pytest.raises(CommandError, match=says) as error:
        call_command("soak", url, **options)
    assert "\n" not in str(error.value)


def test_another_site_is_not_mistaken_for_a_lobby(lobby):
    with pytest.raises(CommandError, match="it answers 404 Not Found"):
        call_command("soak", f"{lobby.url}/elsewhere")
