"""Redis hangs, dies and returns: messages are late, not lost."""

import asyncio
from urllib.request import urlopen

import pytest

from tests.faults.doorbell import Doorbell
from tests.servers.processes import Server, daphne, manage, readiness, wait_until
from tests.servers.tab import tabs

# How late a message of another process may be while Redis is dead or hung, and when its notification is lost;
# and how long until all is normal again (seconds, with a second for slow machines).
LATE = 2 + 1
HEALED = 5 + 1


@pytest.fixture(scope="module")
def servers(doorbell):
    """Start two servers of different kinds with a common database and Redis."""
    given = {"REDIS_URL": doorbell.url, "WORKERS": "1"}
    with Server(environment=given) as one, daphne(var_dir=one.var_dir, environment=given) as other:
        yield one, other


async def ready(server, status):
    await asyncio.to_thread(wait_until, lambda: readiness(server) == status, HEALED)


async def say_and_hear(text, speaker, listener):
    await speaker.say(text)
    async with asyncio.timeout(LATE):
        await asyncio.gather(*[tab.until(lambda tab=tab: text in tab.texts) for tab in (speaker, listener)])


FAULTS = {
    "hung": (Doorbell.hang, Doorbell.go_on),
    "gone": (Doorbell.kill, Doorbell.start),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_messages_flow_while_redis_does_not_answer(doorbell, servers, fault):
    begin, end = FAULTS[fault]
    async with tabs(f"redis is {fault}", *servers) as (one, other):
        sent = ["before"]
        await say_and_hear("before", one, other)
        begin(doorbell)
        try:
            for number in range(3):  # the first before anybody has noticed
                sent += [f"{number} from one", f"{number} from the other"]
                await say_and_hear(sent[-2], one, other)
                await say_and_hear(sent[-1], other, one)
            for server in servers:
                await ready(server, "degraded")
        finally:
            end(doorbell)
        for server in servers:
            await ready(server, "ok")
        sent.append("after")
        await say_and_hear("after", one, other)
        assert one.texts == other.texts == sent
    for server in servers:
        assert "pubsub: channel layer is unreachable" in server.log
        assert "pubsub: channel layer is reachable again" in server.log
        assert "Traceback" not in server.log


async def test_redis_is_restarted(doorbell, servers):
    async with tabs("redis is restarted", *servers) as (one, other):
        await say_and_hear("before", one, other)
        doorbell.restart()
        await say_and_hear("at once", one, other)
        for server in servers:
            await ready(server, "ok")
        await say_and_hear("after", other, one)
        assert one.texts == other.texts == ["before", "at once", "after"]


async def test_a_lost_ring_is_healed_though_nothing_follows(servers):
    async with tabs("lost ring", *servers) as opened:
        command = (
            "from uuid import uuid4; from accounts.actions import create_guest; from chat import actions;"
            "actions.send(create_guest(), actions.open_room('lost ring'), 'silent', uuid4())"
        )
        away = {"VAR_DIR": str(servers[0].var_dir), "REDIS_URL": "redis://127.0.0.1:1"}
        output = await asyncio.to_thread(manage, "shell", "--command", command, **away)
        assert "hub: cannot publish" in output
        async with asyncio.timeout(HEALED):
            await asyncio.gather(*[tab.until_texts("silent") for tab in opened])


def test_a_process_says_that_it_lives(servers):
    for server in servers:
        with urlopen(f"{server.url}/healthz", timeout=10) as answer:  # noqa: S310
            assert answer.read() == b"ok"
