"""Owners of transcripts: permissions and limits."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from accounts.actions import create_guest
from accounts.models import User
from base.api_errors import ApiError
from chat import actions
from chat.models import Message, Room
from tests.accounts.steps import ClientAt
from tests.sockets import TIMEOUT
from tests.transcripts.steps import ask, download, fill, lines, say, signed_in, work
from transcripts import space
from transcripts.actions import request_transcript
from transcripts.models import Transcript


async def test_whoever_asks_twice_gets_one_and_after_that_another_in_its_place(client, guest, room, media):
    addresses = set(await asyncio.gather(ask(client), ask(client), ask(client)))
    assert len(addresses) == 1
    await work()
    (earlier,) = addresses
    others = await signed_in(await sync_to_async(create_guest)())
    await ask(others)
    await work()
    assert len(media()) == 2
    assert await ask(client) != earlier
    assert (await client.get(earlier)).status_code == 404
    assert len(media()) == 1  # the other person's
    await work()
    assert len(media()) == 2


async def test_what_does_not_fit_beside_the_others_is_refused(
    client, guest, room, media, settings, monkeypatch
):
    settings.MEDIA_LIMIT = 1
    monkeypatch.setattr(space, "PERSON_DIVISOR", 1)
    monkeypatch.setattr(space, "ADDRESS_DIVISOR", 1)
    await fill(guest, room, 1)
    await Message.objects.aupdate(text="字" * 200_000)  # 600,000 bytes
    others = await signed_in(await sync_to_async(create_guest)())
    await ask(client)  # its size is estimated
    refused = await others.post("/chat/lobby/export/")
    assert refused.status_code == 503
    assert "s no space for transcripts right now. Try again later." in refused.content.decode()
    assert int(refused.headers["Retry-After"]) > 0
    await work()
    assert (await others.post("/chat/lobby/export/")).status_code == 503  # and now is known
    await ask(client)  # in the place of the last
    (export,) = [each async for each in Transcript.objects.all()]
    assert export.size > 600_000


async def test_a_person_takes_a_tenth_of_the_space(client, guest, room, media, settings):
    settings.MEDIA_LIMIT = 1
    await fill(guest, room, 1)
    await Message.objects.aupdate(text="x" * 60_000)
    await sync_to_async(actions.open_room)("other")
    await ask(client)
    await Transcript.objects.aupdate(room=await Room.objects.aget(name="other"))
    refused = await client.post("/chat/lobby/export/")
    assert refused.status_code == 503
    assert "Your transcripts take up too much space." in refused.content.decode()
    await ask(await signed_in(await sync_to_async(create_guest)()))


async def test_an_address_takes_half_of_the_space(client, guest, room, media, settings, monkeypatch):
    settings.MEDIA_LIMIT = 1
    monkeypatch.setattr(space, "PERSON_DIVISOR", 1)
    await fill(guest, room, 1)
    await Message.objects.aupdate(text="x" * 300_000)
    await ask(client)
    others = await signed_in(await sync_to_async(create_guest)())
    refused = await others.post("/chat/lobby/export/")
    assert refused.status_code == 503
    assert "Transcripts from your network take up too much space." in refused.content.decode()
    elsewhere = ClientAt("192.0.2.1")
    elsewhere.cookies = others.cookies
    await ask(elsewhere)
    await ask(client)  # which is the same one


async def test_line_feeds_count_as_they_are_written(client, guest, room, media):
    await fill(guest, room, 3)
    await Message.objects.aupdate(text="x" + "\n" * 1000 + "x")
    address = await ask(client)
    estimate = (await Transcript.objects.aget()).size
    await work()
    assert estimate == pytest.approx((await Transcript.objects.aget()).size, rel=0.02)
    assert len((await download(client, address))[1]) > 15_000


@pytest.mark.parametrize("number", [1, 10])
async def test_some_messages_of_all_times_are_measured(client, guest, room, media, monkeypatch, number):
    """Of a large room, a refused request would read everything. Long messages weigh as they do."""
    monkeypatch.setattr(space, "MAX_MEASURED", 5)
    await fill(guest, room, 10)
    await Message.objects.aupdate(text="x")
    await Message.objects.filter(number=number).aupdate(text="x" * 10_000)
    overhead = space.MESSAGE_OVERHEAD + len(guest.name) + 1
    estimates = {await sync_to_async(space.estimate)(room) for _ in range(64)}  # at one of two distances
    assert estimates == {(10, 10 * overhead), (10, 2 * (10_000 - 1 + 5 * overhead))}


async def test_a_transcript_takes_no_more_space_than_there_is(client, guest, room, media, settings, caplog):
    """The estimate is too low: each control character is written as three bytes."""
    settings.MEDIA_LIMIT = 1
    await fill(guest, room, 1000)  # in two pages
    await Message.objects.aupdate(text="\x01" * 50)
    address = await ask(client)
    await work()
    _, text = await download(client, address)
    assert text.endswith("\nThe transcript ends here: there isn't enough space for the rest.\n")
    export = await Transcript.objects.aget()
    assert export.size < 1024 * 1024 / 10
    assert "transcripts: cut off" in caplog.text


async def test_a_transcript_takes_more_than_was_estimated_where_there_is_space(client, guest, room, media):
    await fill(guest, room, 3)
    await Message.objects.aupdate(text="\x01" * 50)
    address = await ask(client)
    await work()
    assert (await lines(client, address)) == [f"{guest.name}: " + "\u2401" * 50] * 3


async def test_requests_at_the_same_time_count_each_other(guest, room, settings, monkeypatch):
    settings.MEDIA_LIMIT = 1
    await fill(guest, room, 1)
    await Message.objects.aupdate(text="x" * 100_000)
    guests = [await sync_to_async(create_guest)() for _ in range(12)]
    extent, together = space.estimate, threading.Barrier(12, timeout=TIMEOUT)

    def extent_together(room):
        found = extent(room)
        connections.close_all()  # PostgreSQL's pool has fewer than there are threads
        together.wait()  # so that all have counted before any has asked
        return found

    def ask_for(owner):
        try:
            request_transcript(owner, room)
        finally:
            connections.close_all()

    monkeypatch.setattr(space, "estimate", extent_together)
    with ThreadPoolExecutor(12) as threads:
        asking = [asyncio.get_running_loop().run_in_executor(threads, ask_for, owner) for owner in guests]
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [isinstance(each, ApiError) for each in outcomes].count(True) == 2
    assert await Transcript.objects.acount() == 10


async def test_the_size_of_a_transcript_is_known_when_it_is_ready(client, guest, room, media):
    await say(guest, room, "hi", "聊天")
    address = await ask(client)
    estimate = (await Transcript.objects.aget()).size
    await work()
    size = (await Transcript.objects.aget()).size
    assert size == len((await download(client, address))[1].encode())
    assert 0 < estimate <= size


async def test_there_is_no_file_before_it_is_ready_nor_while_it_is_out_of_reach(client, room, media):
    address = await ask(client)
    assert (await client.get(f"{address}transcript.txt")).status_code == 404
    await work()
    await download(client, address)
    export = await Transcript.objects.aget()
    export.file.storage.delete(export.file.name)
    answer = await client.get(f"{address}transcript.txt")
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "t available right now." in answer.content.decode()
    assert media() == []
    await export.adelete()
    assert (await client.get(f"{address}transcript.txt")).status_code == 404


async def test_each_has_a_transcript_of_their_own(client, room):
    address = await ask(client)
    stranger = await signed_in(await sync_to_async(create_guest)())
    assert await ask(stranger) != address


async def test_for_all_others_a_transcript_does_not_exist(client, connect, room):
    address = await ask(client)
    await work()
    missing = address.replace(address.split("/")[-2], str(uuid4()))
    stranger = await sync_to_async(create_guest)()
    for visitor in (await signed_in(stranger), AsyncClient()):
        for end in ("", "transcript.txt"):
            answers = [await visitor.get(f"{each}{end}") for each in (address, missing)]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert answers[0].content == answers[1].content
    assert (await client.get(address.replace("lobby", "other"))).status_code == 404
    for user in (stranger, None):
        socket = await connect(user=user, path=address.replace("/chat/lobby", "/ws"))
        assert await socket.close_code() == 4404


@pytest.mark.parametrize("name", ["nowhere", "x" * 65])
async def test_no_room_has_no_transcript(client, name):
    assert (await client.post(f"/chat/{name}/export/")).status_code == 404
    assert not await Transcript.objects.aexists()


async def test_a_transcript_is_asked_for_from_our_pages_only(guest, room):
    strict = AsyncClient(enforce_csrf_checks=True)
    await strict.aforce_login(guest)
    assert (await strict.post("/chat/lobby/export/")).status_code == 403
    assert (await strict.get("/chat/lobby/export/")).status_code == 405
    assert not await Transcript.objects.aexists()


async def test_a_person_asks_for_so_many_an_hour_and_no_more(client, room, settings):
    settings.TASKS_PER_HOUR = 2
    address = await ask(client)
    await ask(client)
    answer = await client.post("/chat/lobby/export/")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert 'href="/chat/"' in answer.content.decode()
    assert (await client.get(address)).status_code == 200


async def test_without_a_session_it_is_the_address_that_is_counted(room, settings):
    settings.TASKS_PER_HOUR = 1
    host = {"REMOTE_ADDR": "192.0.2.9"}
    answers = [await AsyncClient(**host).post("/chat/lobby/export/") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 429]
    assert await User.objects.acount() == 1  # a refused visitor does not become a guest
