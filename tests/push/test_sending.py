"""Sending to a topic from any code."""

import re

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

import push
from tests.servers.processes import manage

TOPIC = "status 1"


@pytest.fixture
async def listener(listen):
    listener = await listen("/ws/status/1", lobby=True)
    assert await listener.receive() == {"listening": True}
    return listener


@pytest.fixture
def payload(listener):
    """Return the payload sent within a transaction, before its end, and then its end."""

    @database_sync_to_async
    def in_transaction(*, is_committed):
        with transaction.atomic():
            push.send(TOPIC, "from the transaction")
            transaction.set_rollback(not is_committed)
        push.send(TOPIC, "afterwards")

    return in_transaction


async def test_what_is_rolled_back_was_never_said(listener, payload):
    await payload(is_committed=False)
    assert await listener.receive() == "afterwards"


async def test_what_is_committed_is_said(listener, payload):
    await payload(is_committed=True)
    assert [await listener.receive() for _ in range(2)] == ["from the transaction", "afterwards"]


async def test_nothing_is_said_before_the_commit(listener):
    @sync_to_async
    def begin():
        outer = transaction.atomic()
        outer.__enter__()
        push.send(TOPIC, "sent")
        return outer

    outer = await begin()
    assert await listener.receive_nothing(0.3)
    await sync_to_async(outer.__exit__)(None, None, None)
    assert await listener.receive() == "sent"


async def test_asynchronous_code_sends_either_way(listener):
    push.send(TOPIC, "in the background")
    assert await listener.receive() == "in the background"
    await push.asend(TOPIC, "waiting for it")
    assert await listener.receive() == "waiting for it"


async def test_a_management_command_sends(listener):
    code = f"import push; push.send({TOPIC!r}, {{'é': '你好'}})"
    await sync_to_async(manage)("shell", "-c", code)
    assert await listener.receive() == {"é": "你好"}


@pytest.mark.parametrize(
    "code", ["push.send('x', 1)", "import asyncio; asyncio.run(push.asend('x', 1))"], ids=["send", "asend"]
)
def test_it_does_not_raise_because_redis_is_away(code):
    said = manage("shell", "-c", f"import push; {code}; print('went on')", REDIS_URL="redis://127.0.0.1:1")
    assert "went on" in said
    assert "layer: cannot send" in said


@pytest.mark.parametrize("send", [push.send, push.asend])
async def test_what_has_no_form_in_json_is_the_callers_mistake(send):
    with pytest.raises(TypeError):
        await send("x", object())


@given(st.text(st.characters()), st.text(st.characters()))
def test_every_topic_has_a_group_of_its_own_with_a_name_that_channels_takes(one, other):
    assert (push.group_name(one) == push.group_name(other)) == (one == other)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,99}", push.group_name(one))
