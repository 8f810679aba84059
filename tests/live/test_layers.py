import asyncio

from channels.layers import get_channel_layer
from django.conf import settings
from redis.asyncio import Redis


async def test_a_worker_may_stop_just_when_redis_has_gone():
    layer = get_channel_layer("tasks")
    async with Redis.from_url(settings.REDIS_URL) as redis:
        for turn in range(100):
            waiting = asyncio.create_task(layer.receive("nothing-to-do"))
            for _ in range(turn // 2):  # of the event loop: in some of them the news of it is taken in
                await asyncio.sleep(0)
            if turn % 2:
                await redis.ping()
            waiting.cancel()
            _, still_waiting = await asyncio.wait([waiting], timeout=5)
            assert not still_waiting
            await redis.client_kill_filter(_type="normal", skipme=True)
