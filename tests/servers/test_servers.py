"""Chat on every server: uvicorn with two workers, Daphne, runserver; SQLite and PostgreSQL."""

import asyncio
import json
import re
from urllib.parse import quote

import pytest
import redis
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from server.addresses import redis_prefix
from tests.servers.processes import daphne, manage, runserver
from tests.servers.tab import TIMEOUT, Tab, tabs
from tests.servers.visitor import Visitor

# How soon the sockets of somebody who was removed must close (seconds).
CLOSED_WITHIN = 2

# How soon a tab must be told of the site's new rules (seconds).
RULED_WITHIN = 2


@pytest.fixture(scope="module")
def on_daphne(lobby):
    with daphne(var_dir=lobby.var_dir) as server:
        yield server


@pytest.fixture(scope="module")
def on_runserver(lobby):
    with runserver(var_dir=lobby.var_dir) as server:
        yield server


@pytest.mark.parametrize("room", ["聊天室", "a-b c"])
async def test_processes_of_all_kinds_agree(lobby, on_daphne, on_runserver, room):
    room += ", everywhere"
    # Two workers share uvicorn's port: of eight tabs, both have some (all in one: once in 128).
    async with (
        tabs(room, *[lobby] * 8, on_daphne, on_runserver) as opened,
        tabs("other", lobby) as (stranger,),
    ):
        said = [f"{number} 早上好" for number in range(len(opened))]
        for tab, text in zip(opened, said, strict=True):
            await tab.say(text)
            await asyncio.gather(
                *[each.until(lambda each=each, text=text: text in each.texts) for each in opened]
            )
        for tab in opened:
            assert tab.texts == said
        await stranger.say("only mine")
        await stranger.until_texts("only mine")


def test_each_lobby_and_each_database_number_has_names_of_its_own_in_redis():
    one = redis_prefix("one", "redis://localhost:6379")
    assert redis_prefix("one", "redis://127.0.0.1:6379/0") == one
    assert redis_prefix("one", "redis://localhost:6379/1") != one
    assert redis_prefix("two", "redis://localhost:6379") != one


async def test_a_message_whose_ring_is_lost_comes_with_the_next_in_order(lobby, on_daphne):
    async with tabs("lost-ring", lobby, on_daphne) as (one, other):
        await one.say("first")
        await asyncio.gather(one.until_texts("first"), other.until_texts("first"))
        # A process whose Redis is not there stores a message, and can tell nobody.
        output = manage(
            "shell",
            "--command",
            "from uuid import uuid4; from accounts.actions import create_guest; from chat import actions;"
            "actions.send(create_guest(), actions.open_room('lost-ring'), 'silent', uuid4())",
            VAR_DIR=str(lobby.var_dir),
            REDIS_URL="redis://127.0.0.1:1",
        )
        assert "hub: cannot publish" in output
        await one.say("third")
        await asyncio.gather(
            one.until_texts("first", "silent", "third"), other.until_texts("first", "silent", "third")
        )
    assert "cannot be read" not in lobby.log + on_daphne.log


@pytest.mark.parametrize("at", ["lobby", "on_daphne"])
async def test_a_plain_client_speaks_as_in_the_tutorial(request, at):
    server = request.getfixturevalue(at)
    address = f"ws://127.0.0.1:{server.port}/ws/chat/{quote('plain ' + at)}/"
    async with connect(address, proxy=None) as one, connect(address, proxy=None) as other:
        assert one.subprotocol is None
        await one.send(json.dumps({"message": "hi"}))
        for socket in (one, other):
            assert json.loads(await asyncio.wait_for(socket.recv(), TIMEOUT))["message"] == "hi"
        await one.send(json.dumps({"message": "ho"}))
        await asyncio.wait_for(one.recv(), TIMEOUT)
    async with connect(f"{address}?since=0", proxy=None) as late:  # both come at once
        heard = [json.loads(await asyncio.wait_for(late.recv(), TIMEOUT)) for _ in range(2)]
        assert [each["message"] for each in heard] == ["hi", "ho"]


# Daphne's sockets cannot send the protocol's own 1009.
@pytest.mark.parametrize(("at", "code"), [("lobby", 1009), ("on_daphne", 4009), ("on_runserver", 4009)])
async def test_a_frame_of_more_than_64_kib_closes_the_socket(request, at, code):
    server = request.getfixturevalue(at)
    async with connect(f"ws://127.0.0.1:{server.port}/ws/chat/large/", proxy=None) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.send("x" * (64 * 1024 + 1))
            await asyncio.wait_for(socket.recv(), TIMEOUT)
    assert closed.value.rcvd.code == code
    assert "Traceback" not in server.log


@pytest.mark.parametrize("at", ["lobby", "on_daphne"])
async def test_bad_frames_leave_no_traceback(request, at):
    server = request.getfixturevalue(at)
    async with connect(f"ws://127.0.0.1:{server.port}/ws/chat/bad/", proxy=None) as socket:
        for frame in [
            "hello",
            "[]",
            b"\xff\xfe",
            '{"message": "\\u0000"}',
            '{"message": "\\ud800"}',
            "[" * 60_000,
        ]:
            await socket.send(frame)
            assert json.loads(await asyncio.wait_for(socket.recv(), TIMEOUT))["error"]["code"] == "bad_frame"
        await socket.send('{"message": "fine"}')
        assert json.loads(await asyncio.wait_for(socket.recv(), TIMEOUT))["message"] == "fine"
    async with connect(f"ws://127.0.0.1:{server.port}/ws/nothing/", proxy=None) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), TIMEOUT)
    assert closed.value.rcvd.code == 4404
    assert "Traceback" not in server.log
    assert " ERROR " not in server.log


async def test_a_tab_that_vanishes_leaves_nothing_behind(lobby):
    with redis.Redis(unix_socket_path=str(lobby.var_dir / "valkey.sock")) as valkey:

        def rooms():
            return set(valkey.pubsub_channels("lobby.*__group__live.room.*"))

        before = rooms()
        tab = await Tab(lobby, "vanishing").connect()
        await until(lambda: rooms() - before)
        tab.socket.transport.abort()
        await until(lambda: not rooms() - before)


async def test_a_worker_that_dies_is_replaced_and_nothing_is_lost(lobby):
    async with tabs("killed", *[lobby] * 4) as opened:
        await opened[0].say("before")
        await asyncio.gather(*[tab.until_texts("before") for tab in opened])
        lobby.kill_workers()
        for tab in opened:
            await tab.socket.wait_closed()
        for tab in opened:
            await asyncio.wait_for(come_back(tab), 30)
        await opened[0].say("after")
        await asyncio.gather(*[tab.until_texts("before", "after") for tab in opened])


async def come_back(tab):
    while True:
        try:
            return await tab.connect()
        except (OSError, ConnectionClosed):
            await asyncio.sleep(0.1)


async def until(condition):
    """Poll another process until a condition holds."""
    async with asyncio.timeout(TIMEOUT):
        while not condition():
            await asyncio.sleep(0.05)


async def test_whoever_is_removed_is_closed_out_of_every_process_at_once(lobby, on_daphne):
    async with tabs("removed", lobby, on_daphne) as opened:
        for tab in opened:  # without a session, a tab is somebody once it has spoken
            await tab.say("hi")
        for tab in opened:
            await tab.until(lambda tab=tab: len(tab.texts) == 2)
        command = (
            "from accounts.models import User;"
            "[(setattr(u, 'is_active', False), u.save())"
            " for u in User.objects.filter(message__room__name='removed')]"
        )
        await asyncio.to_thread(manage, "shell", "--command", command, VAR_DIR=str(lobby.var_dir))
        async with asyncio.timeout(CLOSED_WITHIN):
            for tab in opened:
                await tab.socket.wait_closed()
        assert [tab.socket.close_code for tab in opened] == [4403, 4403]


async def test_a_removed_member_is_closed_out_of_the_room_in_every_process_at_once(lobby, on_daphne):
    owner, member = [await asyncio.to_thread(Visitor, lobby) for _person in range(2)]
    room, link = await asyncio.to_thread(make_private_room, owner)
    await asyncio.to_thread(member.post, link)
    servers = *[lobby] * 4, on_daphne
    async with (
        tabs(room, *servers, headers=member.cookies) as inside,
        tabs("lobby", lobby, headers=member.cookies) as (elsewhere,),
    ):
        page = (await asyncio.to_thread(owner.get, f"/chat/{room}/members/")).read().decode()
        (path,) = re.findall(r'action="(/chat/[^"]+/remove/)"', page)
        await asyncio.to_thread(owner.post, path)
        async with asyncio.timeout(CLOSED_WITHIN):
            for tab in inside:
                await tab.socket.wait_closed()
        assert {tab.socket.close_code for tab in inside} == {4403}
        await elsewhere.say("I am still here")
        await elsewhere.until(lambda: "I am still here" in elsewhere.texts)


def make_private_room(owner):
    """Make a private room. Return its name, and the path of an invitation."""
    room = owner.post("/rooms/private/", title="Choir").url.split("/")[-3]
    given = {"role": "member", "lifetime": "day", "uses": "any"}
    page = owner.post(f"/chat/{room}/invitations/", **given).read().decode()
    return room, re.search(r"/join/[\w-]+/", page)[0]


async def test_what_is_read_in_one_process_is_read_in_all(lobby, on_daphne):
    cookies = await asyncio.to_thread(lambda: Visitor(lobby).cookies)
    async with (
        tabs("read here", lobby, on_daphne) as (speaker, _),
        tabs("read here", on_daphne, headers=cookies) as (reader,),
        tabs("read elsewhere", lobby, lobby, lobby, on_daphne, headers=cookies) as elsewhere,
    ):
        await reader.command(type="read", seq=0)
        await speaker.say("hi")
        await reader.until_texts("hi")
        for tab in elsewhere:
            await tab.until(lambda tab=tab: tab.unread.get("read here") == 1)
        await reader.command(type="read", seq=reader.cursor)
        for tab in elsewhere:
            await tab.until(lambda tab=tab: tab.unread.get("read here") == 0)


async def test_who_is_named_in_one_process_hears_it_in_all(lobby, on_daphne):
    ada = await asyncio.to_thread(Visitor, lobby)
    await asyncio.to_thread(ada.post, "/me/name/", name="Ada Everywhere")
    async with (
        tabs("named here", lobby, on_daphne) as speakers,
        tabs("named here", on_daphne, headers=ada.cookies) as (reader,),
        tabs("named elsewhere", lobby, lobby, lobby, on_daphne, headers=ada.cookies) as elsewhere,
    ):
        await reader.command(type="read", seq=0)
        await reader.say("here")
        await speakers[0].say("hi")
        await elsewhere[0].until(lambda: elsewhere[0].unread.get("named here") == 1)  # so she is a member
        for count, speaker in enumerate(speakers, 1):
            await speaker.say("hi @ada everywhere")
            for tab in elsewhere:
                await tab.until(lambda tab=tab, count=count: tab.mentions.get("named here") == count)


SET_RULES = """
from accounts.models import User
from chat.actions.site_rules import change_rules
staff = User.objects.get_or_create(username="rules", is_staff=True)[0]
change_rules(staff, dict(writers={!r}))
"""


async def test_the_rules_of_the_site_hold_in_every_process_at_once(lobby, on_daphne):
    cookies = await asyncio.to_thread(lambda: Visitor(lobby).cookies)

    async def set_rules(writers):
        command = SET_RULES.format(writers)
        await asyncio.to_thread(manage, "shell", "--command", command, VAR_DIR=str(lobby.var_dir))

    async with tabs("ruled", lobby, lobby, lobby, on_daphne, headers=cookies) as opened:
        await opened[0].say("before")
        await asyncio.gather(*[tab.until_texts("before") for tab in opened])
        try:
            await set_rules("accounts")
            async with asyncio.timeout(RULED_WITHIN):
                for tab in opened:
                    await tab.until(lambda tab=tab: tab.requirement == "account")
            for tab in opened:
                await tab.say("during")
                await tab.until(lambda tab=tab: tab.error == "Sign up to write here.")
        finally:
            await set_rules("everyone")
        for tab in opened:
            await tab.until(lambda tab=tab: tab.requirement == "")
        await opened[0].say("after")
        await asyncio.gather(*[tab.until_texts("before", "after") for tab in opened])
