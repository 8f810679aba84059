"""Agreement of clients: applied events give the same copy as a fresh load, whatever was missed."""

import asyncio
from functools import partial
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import live
from accounts.models import User
from chat import actions
from chat.actions import Member
from tests.copy import Copy

# Some are blank (refused), contain NULs (dropped) or mentions: that must agree, too.
TEXT = st.one_of(st.text(min_size=1, max_size=20), st.sampled_from(["@Ada", "@ada, @Ada!"]))
STEP = st.one_of(
    st.tuples(st.just("send"), TEXT),
    st.tuples(st.just("edit"), st.integers(0, 9), TEXT),
    st.tuples(st.just("delete"), st.integers(0, 9)),
    st.tuples(st.sampled_from(["read", "drop", "resume"])),
)


@pytest.fixture(autouse=True)
def short_memory(monkeypatch):
    """Shorten the logs, so that missed events also come from the database."""
    monkeypatch.setattr("live.hub.Log", partial(live.Log, length=3))


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, min_size=3, max_size=30))
# Missed: a change to a known message, the sending of a changed one, the deletion of a known one.
@example([("send", "a"), ("read",), ("drop",), ("edit", 0, "b"), *[("send", "c")] * 3, ("resume",)])
@example([("drop",), *[("send", "a")] * 4, ("edit", 1, "b"), ("resume",), ("read",), ("delete", 1)])
@example([("send", "a"), ("send", "b"), ("read",), ("drop",), ("delete", 0), ("resume",), ("edit", 0, "c")])
@example([("drop",), ("send", "@Ada"), ("send", "hi"), ("edit", 0, "hi"), ("edit", 1, "@ada, @Ada!")])
async def test_a_copy_equals_the_room(connect, afresh, guest, steps):
    room = f"room-{uuid4()}"
    await has_a_member(room)
    author = await connect(room, user=guest)
    copy = Copy(epoch=(await author.event("welcome"))["epoch"])
    socket = await connect(room, since=0, epoch=copy.epoch)
    numbers, head = [], 0  # messages sent, and the last seq

    for step in steps:
        match step:
            case ["send", text]:
                await author.say(text)
            case ["edit", nth, text] if numbers:
                await author.send_command(type="edit", number=numbers[nth % len(numbers)], message=text)
            case ["delete", nth] if numbers:
                await author.send_command(type="delete", number=numbers[nth % len(numbers)])
            case ["read"] if socket:
                await catch_up(copy, socket, head)
                continue
            case ["drop"] if socket:
                await socket.disconnect()
                socket = None
                continue
            case ["resume"] if not socket:
                socket = await connect(room, since=copy.cursor, epoch=copy.epoch)
                continue
            case _:
                continue
        answer = await answer_to(author)
        if answer["type"] == "message":
            head = answer["seq"]
            if answer["number"] == head:
                numbers.append(head)

    socket = socket or await connect(room, since=copy.cursor, epoch=copy.epoch)
    await catch_up(copy, socket, head)
    assert copy.messages == (await afresh(room)).messages


@database_sync_to_async
def has_a_member(room):
    """Return Ada, the same person in all examples."""
    ada, _ = User.objects.get_or_create(username="ada", defaults={"name": "Ada"})
    actions.mark_read({Member.of(ada, actions.open_room(room)): 0})


async def answer_to(author):
    """Return the response of the room, without events about others."""
    while True:
        for event in await author.receive():
            if event["type"] in {"message", "error"}:
                return event


async def catch_up(copy, socket, head):
    async with asyncio.timeout(5):
        while copy.cursor < head:
            for event in await socket.receive():
                copy.apply(event)
