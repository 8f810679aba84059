import asyncio
import gc

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


async def test_a_worker_goes_on_quietly_when_redis_fails_after_a_task_was_taken(caplog):
    layer = get_channel_layer("tasks")
    async with Redis.from_url(settings.REDIS_URL) as redis:
        await redis.acl_setuser("default", enabled=True, commands=["-zpopmin"])
        try:
            await layer.send("something-to-do", {"type": "do"})
            assert await layer.receive("something-to-do") == {"type": "do"}
            await layer.wait_received()
        finally:
            await redis.acl_setuser("default", enabled=True, commands=["+zpopmin"])
            await redis.delete(*await redis.keys("*something-to-do*"))
    gc.collect()
    assert not caplog.records
