"""Whoever applied the events has what whoever loads afresh gets, whatever was done and missed."""

import asyncio
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.copy import Copy

STEP = st.one_of(
    st.tuples(st.just("send"), st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=20)),
    st.tuples(st.just("edit"), st.integers(0, 20), st.text(min_size=1, max_size=20)),
    st.tuples(st.just("delete"), st.integers(0, 20)),
    st.tuples(st.just("drop")),
    st.tuples(st.just("resume")),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, min_size=3, max_size=30))
async def test_a_copy_equals_the_room(connect, afresh, guest, steps):
    room = f"room-{uuid4()}"
    author = await connect(room, user=guest)
    epoch = (await author.event("welcome"))["epoch"]
    copy, socket = Copy(epoch=epoch), await connect(room, since=0, epoch=epoch)
    head = 0
    for step in steps:
        match step:
            case ["send", text]:
                await author.say(text)
            case ["edit", number, text]:
                await author.send_command(type="edit", number=number, message=text)
            case ["delete", number]:
                await author.send_command(type="delete", number=number)
            case ["drop"] if socket:
                await socket.disconnect()
                socket = None
                continue
            case ["resume"] if not socket:
                socket = await connect(room, since=copy.cursor, epoch=copy.epoch)
                continue
            case _:
                continue
        # What was done is stored, or refused, before the next thing is done.
        head = max(head, await answered(author))
        if socket and step == steps[len(steps) // 2]:
            await catch_up(copy, socket, head)
    socket = socket or await connect(room, since=copy.cursor, epoch=copy.epoch)
    await catch_up(copy, socket, head)
    assert copy.messages == (await afresh(room)).messages


async def answered(author):
    """The seq of the change that was just made, or 0 when it was refused."""
    (event,) = await author.receive()
    return event.get("seq", 0)


async def catch_up(copy, socket, head):
    async with asyncio.timeout(5):
        while copy.cursor < head:
            for event in await socket.receive():
                copy.apply(event)
