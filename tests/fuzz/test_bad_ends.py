"""Thousands of connections that end badly leave no resources in the server's process."""

import asyncio
import json
from uuid import uuid4

import psutil
import pytest
import redis

from tests.fuzz.raw import CLOSE, PING, frame, handshake, peer
from tests.servers.processes import wait_until
from tests.servers.tab import TIMEOUT, Tab

pytestmark = pytest.mark.usefixtures("calm")

CONNECTIONS, SOME_CONNECTIONS = 10_000, 2_500
AT_ONCE = 40

# What the process may hold more than before (bytes): for Python's own needs, and for each connection.
# A connection that is not released takes more than ten times as much.
GROWTH = 8 * 1024 * 1024
GROWTH_FOR_EACH = 1024

# How long the process may take to let go of the last ones (seconds).
PATIENCE = 10


async def says_nothing(client, server, room):
    pass


async def leaves_within_the_handshake(client, server, room):
    client.writer.write(handshake(server, room)[:100])


async def leaves_at_once_after_the_handshake(client, server, room):
    client.writer.write(handshake(server, room))


async def leaves_after_the_welcome(client, server, room):
    await client.enter(server, room=room)


async def leaves_within_a_frame(client, server, room):
    await client.enter(server, room=room)
    client.writer.write(frame(b"hello", length=100))


async def sends_garbage(client, server, room):
    await client.enter(server, room=room)
    client.writer.write(b"\xff\xff\xff\xff")
    assert (await client.end())[1] == 1002


async def leaves_while_a_command_runs(client, server, room):
    await client.enter(server, room=room)
    client.writer.write(frame(json.dumps(say("unheard")).encode()))
    await client.writer.drain()


async def speaks_another_protocol(client, server, room):
    assert await client.ask(server, room=room, subprotocol="mqtt") == 101
    client.writer.write(frame(b"\x00"))
    await client.frame()


async def comes_from_elsewhere(client, server, room):
    assert await client.ask(server, room=room, Origin="http://elsewhere.example") == 403


async def breaks_the_goodbye(client, server, room):
    await client.enter(server, room=room)
    client.writer.write(frame(b"\x03\xe8", CLOSE))


# Those that are admitted take the server a hundred times as long: each has one part in twenty.
WAYS = [
    *[says_nothing, leaves_within_the_handshake, comes_from_elsewhere] * 3,
    *[leaves_at_once_after_the_handshake] * 5,
    leaves_after_the_welcome,
    leaves_within_a_frame,
    sends_garbage,
    leaves_while_a_command_runs,
    speaks_another_protocol,
    breaks_the_goodbye,
]


def say(text):
    return {"type": "send", "message": text, "client_id": str(uuid4())}


async def come_and_go(server, numbers):
    """Open connections one by one, each with its own bad end."""
    for number in numbers:
        async with asyncio.timeout(TIMEOUT), peer(server) as client:
            await WAYS[number % len(WAYS)](client, server, f"bad-{number % 97}")


async def many_come_and_go(server, first, last):
    async with asyncio.TaskGroup() as group:
        for lane in range(AT_ONCE):
            group.create_task(come_and_go(server, range(first + lane, last, AT_ONCE)))


class Held:
    """Resources of the server's only worker, as its system and Valkey report them."""

    def __init__(self, server):
        (pid,) = (pid for pid in server.workers())
        self.process = psutil.Process(pid)
        self.valkey = redis.Redis(unix_socket_path=str(server.var_dir / "valkey.sock"))

    def memory(self):
        return self.process.memory_full_info().uss

    def handles(self):
        """Return open files, connections, and joined groups."""
        groups = self.valkey.pubsub_channels("lobby.*__group__live.room.*")
        return self.process.num_fds(), len(groups), len(self.valkey.pubsub_channels())


async def test_connections_that_end_badly_leave_nothing(server, is_long):
    held, count = Held(server), CONNECTIONS if is_long else SOME_CONNECTIONS
    bystander = await Tab(server, "bystander").connect()
    await many_come_and_go(server, 0, 200)  # resources that are opened once and stay open
    await settled(held)
    before = held.handles()
    await many_come_and_go(server, 200, count // 5)
    memory = held.memory()
    await many_come_and_go(server, count // 5, count)
    wait_until(lambda: held.handles() == before, PATIENCE, lambda: f"{before} became {held.handles()}")
    assert held.memory() - memory < GROWTH + count * GROWTH_FOR_EACH
    await bystander.say("still here")
    await bystander.until_texts("still here")
    await bystander.socket.close()
    held.valkey.close()


async def test_who_pings_and_reads_nothing_costs_nothing(server):
    held = Held(server)
    async with peer(server) as client:
        await client.enter(server)
        client.writer.transport.pause_reading()
        before = held.memory()
        pings = frame(b"x" * 125, opcode=PING) * 1000
        for _ in range(200):  # 26 MB, more than any system's buffers take
            client.writer.write(pings)
            await client.writer.drain()
        assert held.memory() - before < GROWTH
    held.valkey.close()


async def test_a_client_that_leaves_while_a_pipelined_request_waits(server):
    def request(path):
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()

    async with asyncio.timeout(TIMEOUT):
        for _ in range(10):
            async with peer(server) as client:
                client.writer.write(request("/healthz") + request("/chat/") * 3)
                assert b" 200 " in await client.reader.readline()  # the next one runs
        async with peer(server) as client:
            client.writer.write(request("/chat/"))  # behind them
            assert b" 200 " in await client.reader.readline()


async def settled(held):
    """Wait until the resources are the same as a second ago."""
    last = None
    while last != (last := held.handles()):
        await asyncio.sleep(1)
