"""Python client: it follows the browser's rules, against a scripted server."""

import asyncio
import json
from contextlib import asynccontextmanager

from websockets.asyncio.server import serve
from websockets.http11 import Headers, Response

from base.subprotocols import LOBBY_WITH_PINGS, PING, PONG
from chat.soak import client
from chat.soak.client import Client

HISTORY = [{"number": n, "seq": n, "client_id": str(n), "message": f"message {n}"} for n in range(1, 301)]


def page(socket, request):
    """Answer other requests with a page of history."""
    if "Upgrade" in request.headers:
        return None
    before = int(request.path.partition("before=")[2] or 301)
    messages = HISTORY[max(0, before - 201) : before - 1]
    body = json.dumps({"messages": messages, "more": len(messages) == 200}).encode()
    return Response(200, "OK", Headers({"Content-Length": str(len(body))}), body)


@asynccontextmanager
async def client_at(talk, subprotocol="lobby.v1"):
    """Run a client in a room of a server that handles each socket with `talk`."""
    async with serve(talk, "127.0.0.1", 0, subprotocols=[subprotocol], process_request=page) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        heard = []
        made = Client(url, "room", heard.append, heard.clear, max_delay=0.01)
        made.heard = heard
        task = asyncio.create_task(made.run())
        async with asyncio.timeout(5):
            yield made, task
        task.cancel()
        await asyncio.wait([task])


async def tell(socket, **event):
    await socket.send(json.dumps([event]))


async def welcome(socket, seq=7, epoch="e", reset=False):
    await tell(socket, type="welcome", epoch=epoch, seq=seq, reset=reset)


async def acknowledge(socket, command, seq):
    await tell(socket, **command | {"type": "message", "seq": seq, "number": seq})


async def test_a_rate_limited_client_waits_and_then_sends_all_in_order():
    sent = asyncio.Queue()

    async def talk(socket):
        await welcome(socket)
        first = json.loads(await socket.recv())
        about = {"client_id": first["client_id"], "detail": "Too many messages."}
        await tell(socket, type="error", code="rate_limited", retry_after=0.1, **about)
        async for frame in socket:
            command = json.loads(frame)
            sent.put_nowait(command["message"])
            await acknowledge(socket, command, 7 + sent.qsize())

    async with client_at(talk) as (made, _):
        for text in ("one", "two", "three"):
            made.send(text)
        assert [await sent.get() for _ in range(3)] == ["one", "two", "three"]


async def test_unacknowledged_messages_are_sent_again_after_a_resume():
    sockets = asyncio.Queue()

    async def talk(socket):
        await welcome(socket)
        sockets.put_nowait((socket.request.path, await socket.recv()))

    async with client_at(talk) as (made, _):
        made.send("hello")
        (first_path, first), (path, again) = await sockets.get(), await sockets.get()
        assert first == again
        assert (first_path, path) == ("/ws/chat/room/", "/ws/chat/room/?since=7&epoch=e")


async def test_waits_grow_until_a_connection_has_lasted_or_acknowledged_something(monkeypatch):
    """A client must not reconnect at once, again and again, to a server that accepts it and then fails."""
    monkeypatch.setattr(client, "STABLE_TIME", 0.5)
    ends = iter(["fails", "fails", "acknowledges", "fails", "lasts", "fails"])
    failures = asyncio.Queue()

    async def talk(socket):
        failures.put_nowait(made._misses)
        await welcome(socket)
        match next(ends):
            case "acknowledges":
                await acknowledge(socket, json.loads(await socket.recv()), 8)
            case "lasts":
                await asyncio.sleep(1)

    async with client_at(talk) as (made, _):
        made.send("hello")
        assert [await failures.get() for _ in range(6)] == [0, 1, 2, 1, 2, 1]


async def test_unanswered_messages_are_sent_again_over_another_connection(monkeypatch):
    monkeypatch.setattr(client, "ANSWER_TIMEOUT", 0.05)
    frames = asyncio.Queue()

    async def talk(socket):
        await welcome(socket)
        async for frame in socket:
            frames.put_nowait((socket, frame))

    async with client_at(talk) as (made, _):
        made.send("hello")
        (one, first), (other, again) = await frames.get(), await frames.get()
        assert first == again
        assert one is not other


async def test_some_close_codes_forbid_a_reconnect():
    async def talk(socket):
        await socket.close(4404)

    async with client_at(talk) as (made, task):
        await task
        assert made.refused == "closed with 4404"


async def test_permanently_refused_messages_are_not_sent_again():
    sent = asyncio.Queue()

    async def talk(socket):
        await welcome(socket)
        async for frame in socket:
            command = json.loads(frame)
            sent.put_nowait(command["message"])
            about = {
                "client_id": command["client_id"],
                "detail": "Messages can't be longer than 4,000 characters.",
            }
            await tell(socket, type="error", code="too_long", **about)

    async with client_at(talk) as (made, _):
        made.send("one")
        made.send("two")
        assert [await sent.get(), await sent.get()] == ["one", "two"]
        while len(made.failed) < 2:
            await asyncio.sleep(0)
        assert set(made.failed.values()) == {"Messages can't be longer than 4,000 characters."}


async def reset(epoch):
    """Return what a client received that was at 7 and then had to reload the history."""
    welcomes = [{}, {"seq": 300, "reset": True, "epoch": epoch}]

    async def talk(socket):
        await welcome(socket, **welcomes.pop(0))
        if welcomes:
            await acknowledge(socket, HISTORY[7], 8)
        else:
            await socket.wait_closed()

    async with client_at(talk) as (made, _):
        while made.cursor != 300:
            await asyncio.sleep(0.01)
        return [message["number"] for message in made.heard]


async def test_a_reset_loads_the_history_back_to_known_messages():
    assert await reset("e") == [8, *range(1, 301)]  # page by page


async def test_another_epoch_loads_all_of_the_history():
    assert await reset("other") == list(range(1, 301))


async def test_a_silent_server_is_pinged_and_left_when_it_does_not_answer(monkeypatch):
    monkeypatch.setattr(client, "PING_INTERVAL", 0.05)
    monkeypatch.setattr(client, "ANSWER_TIMEOUT", 0.1)
    pings = asyncio.Queue()

    async def talk(socket):
        await welcome(socket)
        assert await socket.recv() == PING
        await socket.send(PONG)
        pings.put_nowait((socket, await socket.recv()))
        await socket.wait_closed()

    async with client_at(talk, LOBBY_WITH_PINGS):
        (first, ping), (second, _) = await pings.get(), await pings.get()
        assert ping == PING
        assert first is not second


async def test_a_server_of_the_version_before_is_not_pinged(monkeypatch):
    monkeypatch.setattr(client, "PING_INTERVAL", 0.05)
    received = asyncio.Queue()

    async def talk(socket):
        await welcome(socket)
        await asyncio.sleep(0.2)  # several silences
        await tell(socket, type="message", seq=8, number=8, client_id="x", message="at last")
        async for frame in socket:
            received.put_nowait(json.loads(frame)["message"])

    async with client_at(talk) as (made, _):
        while not made.heard:
            await asyncio.sleep(0.01)
        made.send("hello")
        assert await received.get() == "hello"


async def test_it_reconnects_after_the_servers_delay():
    times = []

    async def talk(socket):
        times.append(asyncio.get_running_loop().time())
        if len(times) == 1:
            await socket.close(1013, "retry_after=0.3")
        else:
            await welcome(socket)
            await socket.wait_closed()

    async with client_at(talk) as (made, _):
        while not made.is_open:
            await asyncio.sleep(0.01)
    assert 0.3 <= times[1] - times[0] < 3
