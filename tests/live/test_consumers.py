"""LogConsumer: how a socket ends when its subscription does."""

import asyncio
import gc

import pytest

from live import Event, Head, Lagged, LogConsumer, send_detached
from live.hub import get_hub
from tests.live.fakes import TOPIC, Room
from tests.sockets import TIMEOUT, Socket


@pytest.mark.parametrize(
    ("error", "is_logged"), [(ConnectionError("gone"), False), (Lagged(), False), (ValueError("oops"), True)]
)
async def test_a_socket_closes_when_sending_fails_and_unexpected_errors_are_logged(
    database, caplog, error, is_logged
):
    following = asyncio.Event()

    class Follower(LogConsumer):
        async def connect(self):
            await self.accept()
            await self.follow(TOPIC, Room(), Head(0), 0)
            following.set()

        async def send_batch(self, batch):
            raise error

    socket = Socket(Follower.as_asgi(), "/")
    try:
        await socket.connect(TIMEOUT)
        await asyncio.wait_for(following.wait(), TIMEOUT)
        get_hub().publish(TOPIC, Event(None, b"{}"))
        assert await socket.close_code() == 4013
        await socket.disconnect()
    finally:
        await get_hub().close()
    assert [record.levelname for record in caplog.records] == ["ERROR"] * is_logged


async def test_a_client_that_has_gone_is_no_error_of_a_detached_send(caplog):
    async def send():
        raise ConnectionError

    task = send_detached(send())
    await asyncio.wait([task])
    del task
    gc.collect()
    assert not caplog.records
