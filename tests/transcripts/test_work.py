"""Workers of transcripts: claims, leases and failures."""

import asyncio
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actions import create_guest
from chat import actions
from chat.models import Room, RoomKind
from tasks.leases import LeaseLost
from tests.transcripts.steps import ask, asked, claimed, fill, lines, states, work
from transcripts import leases, text, workers
from transcripts.actions import request_transcript
from transcripts.models import Transcript
from transcripts.purge import purge_transcripts
from transcripts.workers import TranscriptWorker, write


async def test_several_workers_share_the_work_and_none_does_it_twice(guest, room, media, monkeypatch):
    monkeypatch.setattr(leases, "LEASE", timedelta(minutes=1))  # none of them is late
    owners = [await sync_to_async(create_guest)() for _ in range(5)]
    for owner in owners:
        await asked(owner, room)
    await asyncio.gather(*[work() for _ in range(3)])
    assert [export.attempt async for export in Transcript.objects.all()] == [1] * 5
    assert len(media()) == 5


async def test_nobody_takes_what_another_works_at(client, guest, room):
    await ask(client)
    assert await sync_to_async(leases.claim)()
    assert await sync_to_async(leases.claim)() is None


@pytest.mark.django_db(transaction=True)
def test_addresses_take_turns_and_people_within_them():
    lobby, other = actions.open_room("lobby"), actions.open_room("other")
    ada, bob, eve = (create_guest() for _ in range(3))

    def request(*wanted):
        for owner, room, address in wanted:
            request_transcript(owner, room, address)

    def claim_all():
        while transcript := leases.claim():
            leases.unfinished().filter(pk=transcript.pk).update(finished_at=timezone.now())
            yield transcript.owner, transcript.room

    mine = [(ada, lobby, "192.0.2.1"), (ada, other, "192.0.2.1"), (bob, lobby, "192.0.2.1")]
    hers = (eve, lobby, "192.0.2.2")
    request(*mine, hers)
    assert [*claim_all()] == [(ada, lobby), (eve, lobby), (bob, lobby), (ada, other)]
    request(hers)
    assert [*claim_all()] == [(eve, lobby)]
    request(hers, mine[0])  # in the places of earlier ones, which count
    assert [*claim_all()] == [(ada, lobby), (eve, lobby)]


async def test_a_worker_that_says_nothing_any_more_is_replaced_by_one_that_waits(client, room, media):
    await ask(client)
    await sync_to_async(leases.claim)()
    await work()
    export = await Transcript.objects.aget()
    assert (export.attempt, media()) == (2, [f"{export.pk.hex}-2.txt"])


async def test_who_lost_the_lease_leaves_nothing_behind(client, guest, room, media, caplog):
    await fill(guest, room, 3)
    address = await ask(client)
    slow = await claimed()
    await work()
    await TranscriptWorker().attempt(slow)
    assert "another worker has claimed it" in caplog.text
    export = await Transcript.objects.aget()
    assert (export.attempt, media()) == (2, [f"{export.pk.hex}-2.txt"])
    assert len(await lines(client, address)) == 3


async def test_who_lost_the_lease_stops_in_the_middle(client, guest, room, media, monkeypatch):
    monkeypatch.setattr(text, "QUERY_CHUNK", 1)
    monkeypatch.setattr(workers, "PROGRESS_INTERVAL", 0)
    await fill(guest, room, 3)
    await ask(client)
    slow = await claimed()
    assert await sync_to_async(leases.claim)()
    with pytest.raises(LeaseLost):
        await write(slow)
    assert media() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempts", [0, 1])
def test_what_is_being_deleted_while_it_is_claimed_is_not_given_out(attempts):
    room, author = actions.open_room("lobby"), create_guest()
    actions.send(author, room, "regretted", uuid4())
    room.refresh_from_db()
    export = request_transcript(author, room)
    Transcript.objects.update(attempt=attempts)
    with ThreadPoolExecutor() as threads:
        with transaction.atomic():
            actions.delete(author, room, 1)
            texts = threads.submit(claim_and_read)
            wait([texts], timeout=0.5)  # as long as the deletion is not committed, nothing may be read
        export.refresh_from_db()
        assert export.outdated == "deleted" or texts.result() == [""]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("known_site_rules")
def test_a_change_costs_the_same_however_many_transcripts_have_the_message():
    room, author = actions.open_room("lobby"), create_guest()
    actions.send(author, room, "changed", uuid4())
    room.refresh_from_db()

    def count_queries(text):
        with CaptureQueriesContext(connection) as queries:
            actions.edit(author, room, 1, text)
        return len(queries)

    request_transcript(author, room)
    Transcript.objects.update(attempt=1)
    with_one = count_queries("once")
    for _ in range(4):
        request_transcript(create_guest(), room)
    Transcript.objects.update(attempt=1, outdated="")
    assert count_queries("twice") == with_one
    assert set(Transcript.objects.values_list("outdated", flat=True)) == {"edited"}


def claim_and_read():
    """Claim a transcript and read its messages, in a thread of its own."""
    try:
        return [message.text for message in text.find_next_messages(leases.claim(), 0)]
    finally:
        connection.close()


async def test_what_a_killed_worker_has_left_is_cleared_away(client, guest, room, media):
    address = await ask(client)
    killed = await claimed()
    name = leases.file_name(killed, killed.attempt)
    await sync_to_async(killed.file.storage.save)(name, ContentFile(b"half of it"))
    await work()
    export = await Transcript.objects.aget()
    assert media() == [f"{export.pk.hex}-2.txt"]
    assert await lines(client, address) == []


async def test_what_a_killed_worker_has_left_is_deleted_with_the_room(client, guest, room, media):
    await ask(client)
    killed = await claimed()
    name = leases.file_name(killed, killed.attempt)
    await sync_to_async(killed.file.storage.save)(name, ContentFile(b"half of it"))
    await Room.objects.aupdate(kind=RoomKind.DELETED)
    assert await sync_to_async(purge_transcripts)() == 1
    assert media() == []


async def test_where_no_file_can_be_stored_it_is_tried_again(client, room, page, settings, tmp_path, caplog):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.touch()  # what is there is no directory
    address = await ask(client)
    socket = await page(address)
    working = asyncio.create_task(work())
    for _ in range(2):
        await states(socket, "working")
    settings.MEDIA_ROOT.unlink()
    await working
    assert await lines(client, address) == []
    assert (await Transcript.objects.aget()).attempt > 1
    assert "attempt failed, will be retried" in caplog.text


async def test_one_that_cannot_be_written_leaves_the_others_alone(guest, room, page, monkeypatch, caplog):
    other = await sync_to_async(actions.open_room)("other")
    broken, whole = await asked(guest, room), await asked(guest, other)
    header = text.render_header
    monkeypatch.setattr(text, "render_header", lambda export: header(export) if export != broken else 1 / 0)
    socket = await page(f"/chat/lobby/export/{whole.pk}/")
    working = asyncio.create_task(work())
    await states(socket, "ready")
    monkeypatch.setattr(text, "render_header", header)
    await working
    assert not await leases.unfinished().aexists()
    assert "ZeroDivisionError" in caplog.text
