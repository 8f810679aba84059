"""Pages of transcripts, and their notifications."""

from datetime import timedelta

from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.contrib.sessions.models import Session
from django.utils import timezone

from chat import actions
from live import hub
from tests.transcripts.steps import ask, claimed, fill, lines, say, signed_in, states, work
from transcripts import leases, text, workers
from transcripts.actions import WRITE
from transcripts.models import Transcript
from transcripts.purge import purge_transcripts
from transcripts.workers import write


async def test_a_page_sees_it_come(client, guest, room, page, monkeypatch):
    monkeypatch.setattr(text, "QUERY_CHUNK", 1)
    monkeypatch.setattr(workers, "PROGRESS_INTERVAL", 0)
    await fill(guest, room, 3)
    address = await ask(client)
    early = await page(address)
    assert await states(early, "waiting") == [{"type": "export", "status": "waiting", "done": 0, "total": 3}]
    await work()
    received = await states(early, "ready")
    assert [state["done"] for state in received] == sorted(state["done"] for state in received)
    assert {state["done"] for state in received} >= {0, 1, 2, 3}
    for late in (await page(address), await page(address[:-1])):
        assert (await states(late, "ready")) == received[-1:]


async def test_a_page_hears_what_nobody_told(client, room, page, monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.2)
    address = await ask(client)
    socket = await page(address)
    await states(socket, "waiting")
    await Transcript.objects.aupdate(version=5, done=7, leased_until=timezone.now() + timedelta(minutes=1))
    assert (await states(socket, "working"))[-1]["done"] == 7


async def test_an_open_page_says_that_its_worker_is_gone_and_calls_another(client, room, page, monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.2)
    layer = get_channel_layer("tasks")
    await layer.flush()
    address = await ask(client)
    hint = WRITE.content
    assert await layer.receive("transcripts") == hint
    await claimed()
    socket = await page(address)
    await states(socket, "waiting")
    assert await layer.receive("transcripts") == hint


async def test_a_page_says_that_messages_were_edited_since_and_has_the_file(client, guest, room, page):
    await say(guest, room, "one", "two")
    address = await ask(client)
    await work()
    socket = await page(address)
    await states(socket, "ready")
    await sync_to_async(actions.edit)(guest, room, 1, "1")
    await states(socket, "edited")
    assert 'data-status="edited"' in (await client.get(address)).content.decode()
    assert await lines(client, address) == [f"{guest.name}: one", f"{guest.name}: two"]


async def test_a_transcript_goes_when_a_message_in_it_is_deleted(client, guest, room, page, media):
    await say(guest, room, "one", "two")
    address = await ask(client)
    await work()
    await say(guest, room, "too late")
    socket = await page(address)
    await sync_to_async(actions.delete)(guest, room, 3)
    await sync_to_async(actions.edit)(guest, room, 2, "2")
    await states(socket, "edited")
    await sync_to_async(actions.delete)(guest, room, 1)
    await states(socket, "deleted")
    answer = await client.get(f"{address}transcript.txt")
    assert (answer.status_code, b"deleted" in answer.content) == (410, True)
    await sync_to_async(purge_transcripts)()
    assert media() == []
    assert (await client.get(address)).status_code == 404


async def test_what_is_deleted_while_a_transcript_is_written_is_not_given_out(client, guest, room, page):
    await say(guest, room, "one")
    address = await ask(client)
    socket = await page(address)
    export = await sync_to_async(leases.claim)()
    await sync_to_async(actions.delete)(guest, room, 1)
    await write(export)
    assert "ready" not in [state["status"] for state in await states(socket, "deleted")]
    assert (await client.get(f"{address}transcript.txt")).status_code == 410


async def test_an_attempt_that_begins_after_a_change_has_it(client, guest, room, page):
    await say(guest, room, "one", "two")
    address = await ask(client)
    await sync_to_async(actions.edit)(guest, room, 1, "1")
    await claimed()
    await sync_to_async(actions.delete)(guest, room, 2)
    await work()
    await states(await page(address), "ready")
    assert await lines(client, address) == [f"{guest.name}: 1 (edited)", f"{guest.name}: (deleted)"]


async def test_whoever_signs_out_is_told_to_leave(client, room, page):
    socket = await page(await ask(client))
    await states(socket, "waiting")
    await Session.objects.all().adelete()
    assert await socket.close_code() == 4401


async def test_the_administration_site_shows_exports(client, room, django_user_model):
    await ask(client)
    root = await sync_to_async(django_user_model.objects.create_superuser)("root", password="secret")
    admin = await signed_in(root)
    assert "lobby" in (await admin.get("/admin/transcripts/transcript/")).content.decode()
    assert (await admin.get("/admin/transcripts/transcript/add/")).status_code == 403
