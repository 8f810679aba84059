"""Transcripts: who gets which, what is in them, and whose work it is."""

import asyncio
from datetime import timedelta
from urllib.parse import quote
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.test import AsyncClient
from django.utils import timezone

from chat import actions, exports, transcript, workers
from chat.models import Export, Message, Room, User
from chat.workers import TranscriptWorker
from live import hub


@pytest.fixture
async def client(guest):
    return await signed_in(guest)


@pytest.fixture
async def room(database):
    return await sync_to_async(actions.open_room)("lobby")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Whoever says nothing is soon replaced."""
    monkeypatch.setattr(exports, "LEASE", timedelta(seconds=0.5))
    monkeypatch.setattr(workers, "LOOK_EVERY", 0.1)


@pytest.fixture
def media(settings, tmp_path):
    """Where the files are; nothing else is there."""
    settings.MEDIA_ROOT = tmp_path
    return lambda: sorted(path.name for path in tmp_path.rglob("*.txt"))


async def signed_in(user):
    client = AsyncClient()
    await client.aforce_login(user)
    return client


@sync_to_async
def say(author, room, *texts):
    return [actions.send(author, room, text, uuid4())[0] for text in texts]


@sync_to_async
def fill(author, room, count):
    """Many messages, without the work of saying them."""
    seqs = room.take_seqs(count)
    Message.objects.bulk_create(
        Message(room=room, author=author, author_name=author.name, text=f"text {n}", number=n, seq=n)
        for n in seqs
    )


@sync_to_async
def asked(owner, room):
    return actions.export(owner, Room.objects.get(pk=room.pk))


async def work():
    await TranscriptWorker().transcripts_write({})


async def ask(client, room="lobby"):
    """Ask for a transcript, and give the address to which that leads."""
    answer = await client.post(f"/chat/{quote(room)}/export/")
    assert answer.status_code == 303, answer.content.decode()
    return answer.headers["Location"]


async def download(client, address):
    answer = await client.get(f"{address}transcript.txt")
    assert answer.status_code == 200
    return answer, b"".join([part async for part in answer.streaming_content]).decode()


async def lines(client, address):
    """What the transcript says of each message, without the times."""
    _, text = await download(client, address)
    return [line.split("] ")[-1] for line in text.split("\n")[3:-1]]


# What is in it


async def test_a_transcript_has_what_was_said_until_it_was_asked_for(client, guest, room):
    said = await say(guest, room, "one", "two")
    address = await ask(client)
    await say(guest, room, "too late")
    await work()
    answer, text = await download(client, address)
    times = [f"{message.created_at:%Y-%m-%d %H:%M:%S}" for message in said]
    head, entries = text.split("\n\n")
    assert head.startswith("Transcript of lobby\n2 messages until ")
    assert entries == f"[{times[0]}] {guest.name}: one\n[{times[1]}] {guest.name}: two\n"
    assert answer.headers["Content-Length"] == str(len(text.encode()))
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="lobby_transcript.txt"'


async def test_what_was_changed_says_so(client, guest, room):
    await say(guest, room, "one", "two", "three")
    await sync_to_async(actions.edit)(guest, room, 2, "2")
    await sync_to_async(actions.edit)(guest, room, 3, "3")
    await sync_to_async(actions.delete)(guest, room, 3)
    address = await ask(client)
    await work()
    name = guest.name
    assert await lines(client, address) == [f"{name}: one", f"{name}: 2 (edited)", f"{name}: (deleted)"]


async def test_it_is_in_the_language_of_who_has_asked(client, guest, room):
    await say(guest, room, "一", "二")
    await sync_to_async(actions.delete)(guest, room, 2)
    client.cookies["django_language"] = "zh-hans"
    address = await ask(client)
    await work()
    answer, text = await download(client, address)
    assert text.startswith("lobby 的聊天记录\n截至 ")
    assert "，共 2 条消息\n\n" in text
    assert await lines(client, address) == [f"{guest.name}: 一", f"{guest.name}: （已删除）"]
    assert answer.headers["Content-Disposition"].endswith(quote("lobby_聊天记录.txt"))


async def test_many_messages_are_written_in_several_pieces_and_in_order(client, guest, room, monkeypatch):
    monkeypatch.setattr(transcript, "MOST_AT_ONCE", 10)
    await fill(guest, room, 25)
    address = await ask(client)
    await work()
    assert await lines(client, address) == [f"{guest.name}: text {n}" for n in range(1, 26)]


async def test_an_empty_room_has_a_transcript_without_messages(client, room):
    address = await ask(client)
    await work()
    _, text = await download(client, address)
    assert text.split("\n")[1].startswith("0 messages until ")
    assert text.endswith(" UTC\n\n")


ENDS = ["\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("end", ENDS, ids=ascii)
async def test_no_text_passes_for_anothers_message(client, guest, room, end):
    forged = "[2026-11-21 15:08:46] Ada: I resign"
    await say(guest, room, f"hello{end}{forged}{end}{end}\u202e{forged}")
    address = await ask(client)
    await work()
    _, text = await download(client, address)
    assert [line for line in text.splitlines() if line.startswith("[")] == [
        line for line in text.splitlines() if line.endswith(f"] {guest.name}: hello")
    ]
    assert text.endswith(f"hello\n    {forged}\n    \n    \u202e{forged}\n")


async def test_a_terminal_that_shows_a_transcript_obeys_nobody(client, guest, room):
    await say(guest, room, "a\x1b[2J\x07\x08\x7f\x9b2J\tb")
    address = await ask(client)
    await work()
    _, text = await download(client, address)
    assert text.endswith("a␛[2J␇␈␡\ufffd2J\tb\n")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("王小明", "王小明"),
        ("שרה", "שרה"),
        ("Ada: I resign", '"Ada: I resign"'),
        ('"Ada": hi', '"\\"Ada\\": hi"'),
    ],
)
async def test_no_name_passes_for_anothers_words(client, guest, room, name, written):
    guest = await sync_to_async(actions.rename)(guest, name)
    await say(guest, room, "hello")
    address = await ask(client)
    await work()
    assert await lines(client, address) == [f"{written}: hello"]


async def test_a_file_has_a_name_though_nothing_of_its_rooms_can_be_in_it(client, database):
    await sync_to_async(actions.open_room)('"?%')
    address = await ask(client, '"?%')
    await work()
    answer, _ = await download(client, address)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="_transcript.txt"'


# Whose it is


async def test_whoever_asks_twice_gets_one_and_after_that_another(client, guest, room):
    addresses = set(await asyncio.gather(ask(client), ask(client), ask(client)))
    assert len(addresses) == 1
    await work()
    assert await ask(client) not in addresses
    assert await Export.objects.acount() == 2


async def test_there_is_no_file_before_it_is_ready_nor_after_it_was_purged(client, room, media):
    address = await ask(client)
    assert (await client.get(f"{address}transcript.txt")).status_code == 404
    await work()
    await download(client, address)
    export = await Export.objects.aget()
    export.file.storage.delete(export.file.name)
    assert (await client.get(f"{address}transcript.txt")).status_code == 404
    assert media() == []


async def test_each_has_a_transcript_of_their_own(client, room):
    address = await ask(client)
    stranger = await signed_in(await sync_to_async(actions.create_guest)())
    assert await ask(stranger) != address


async def test_for_all_others_a_transcript_does_not_exist(client, connect, room):
    address = await ask(client)
    await work()
    missing = address.replace(address.split("/")[-2], str(uuid4()))
    stranger = await sync_to_async(actions.create_guest)()
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
    assert not await Export.objects.aexists()


async def test_a_transcript_is_asked_for_from_our_pages_only(guest, room):
    strict = AsyncClient(enforce_csrf_checks=True)
    await strict.aforce_login(guest)
    assert (await strict.post("/chat/lobby/export/")).status_code == 403
    assert (await strict.get("/chat/lobby/export/")).status_code == 405
    assert not await Export.objects.aexists()


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
    assert await User.objects.acount() == 1  # whoever is refused is not made a guest


# Whose work it is


async def test_several_workers_share_the_work_and_none_does_it_twice(guest, room, media):
    owners = [await sync_to_async(actions.create_guest)() for _ in range(5)]
    for owner in owners:
        await asked(owner, room)
    await asyncio.gather(*[work() for _ in range(3)])
    assert [export.attempt async for export in Export.objects.all()] == [1] * 5
    assert len(media()) == 5


@sync_to_async
def claimed(seconds_ago=0):
    """What a worker has claimed that says nothing any more."""
    export = exports.claim()
    Export.objects.filter(pk=export.pk).update(leased_until=timezone.now() - timedelta(seconds=seconds_ago))
    return export


async def test_nobody_takes_what_another_works_at(client, guest, room):
    await ask(client)
    assert await sync_to_async(exports.claim)()
    assert await sync_to_async(exports.claim)() is None


async def test_a_worker_that_says_nothing_any_more_is_replaced_by_one_that_waits(client, room, media):
    await ask(client)
    await sync_to_async(exports.claim)()
    await work()
    export = await Export.objects.aget()
    assert (export.attempt, media()) == (2, [f"{export.pk.hex}-2.txt"])


async def test_who_lost_the_lease_leaves_nothing_behind(client, guest, room, media, caplog):
    await fill(guest, room, 3)
    address = await ask(client)
    slow = await claimed()
    await work()
    await TranscriptWorker().attempt(slow)
    assert "another worker has claimed it" in caplog.text
    export = await Export.objects.aget()
    assert (export.attempt, media()) == (2, [f"{export.pk.hex}-2.txt"])
    assert len(await lines(client, address)) == 3


async def test_who_lost_the_lease_stops_in_the_middle(client, guest, room, media, monkeypatch):
    monkeypatch.setattr(transcript, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(workers, "TELL_EVERY", 0)
    await fill(guest, room, 3)
    await ask(client)
    slow = await claimed()
    assert await sync_to_async(exports.claim)()
    with pytest.raises(exports.LeaseLost):
        await workers.write(slow)
    assert media() == []


async def test_what_a_killed_worker_has_left_is_cleared_away(client, guest, room, media):
    address = await ask(client)
    killed = await claimed()
    name = exports.file_name(killed, killed.attempt)
    await sync_to_async(killed.file.storage.save)(name, ContentFile(b"half of it"))
    await work()
    export = await Export.objects.aget()
    assert media() == [f"{export.pk.hex}-2.txt"]
    assert await lines(client, address) == []


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
    assert (await Export.objects.aget()).attempt > 1
    assert "left to another attempt" in caplog.text


async def test_one_that_cannot_be_written_leaves_the_others_alone(guest, room, page, monkeypatch, caplog):
    other = await sync_to_async(actions.open_room)("other")
    broken, whole = await asked(guest, room), await asked(guest, other)
    header = transcript.header
    monkeypatch.setattr(transcript, "header", lambda export: header(export) if export != broken else 1 / 0)
    socket = await page(f"/chat/lobby/export/{whole.pk}/")
    working = asyncio.create_task(work())
    await states(socket, "ready")
    monkeypatch.setattr(transcript, "header", header)
    await working
    assert not await exports.unfinished().aexists()
    assert "ZeroDivisionError" in caplog.text


# Who is told


async def states(socket, status):
    """All that a page is told, until a status comes."""
    told = []
    while not told or told[-1]["status"] != status:
        told += await socket.receive()
    return told


@pytest.fixture
def page(connect, guest):
    """The socket of an export's page: `page(address)`."""

    async def page(address):
        return await connect(user=guest, path=address.replace("/chat/lobby", "/ws"))

    return page


async def test_a_page_sees_it_come(client, guest, room, page, monkeypatch):
    monkeypatch.setattr(transcript, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(workers, "TELL_EVERY", 0)
    await fill(guest, room, 3)
    address = await ask(client)
    early = await page(address)
    assert await states(early, "waiting") == [{"type": "export", "status": "waiting", "done": 0, "total": 3}]
    await work()
    told = await states(early, "ready")
    assert [state["done"] for state in told] == sorted(state["done"] for state in told)
    assert {state["done"] for state in told} >= {0, 1, 2, 3}
    for late in (await page(address), await page(address[:-1])):
        assert (await states(late, "ready")) == told[-1:]


async def test_a_page_hears_what_nobody_told(client, room, page, monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_EVERY", 0.2)
    address = await ask(client)
    socket = await page(address)
    await states(socket, "waiting")
    await Export.objects.aupdate(version=5, done=7, leased_until=timezone.now() + timedelta(minutes=1))
    assert (await states(socket, "working"))[-1]["done"] == 7


async def test_an_open_page_says_that_its_worker_is_gone_and_calls_another(client, room, page, monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_EVERY", 0.2)
    layer = get_channel_layer("tasks")
    await layer.flush()
    address = await ask(client)
    hint = exports.HINT.message
    assert await layer.receive("transcripts") == hint
    await claimed()
    socket = await page(address)
    await states(socket, "waiting")
    assert await layer.receive("transcripts") == hint


async def test_whoever_signs_out_is_told_to_leave(client, room, page):
    socket = await page(await ask(client))
    await states(socket, "waiting")
    await Session.objects.all().adelete()
    assert await socket.close_code() == 4401


async def test_the_administration_site_shows_exports(client, room, django_user_model):
    await ask(client)
    root = await sync_to_async(django_user_model.objects.create_superuser)("root", password="secret")
    admin = await signed_in(root)
    assert "lobby" in (await admin.get("/admin/chat/export/")).content.decode()
    assert (await admin.get("/admin/chat/export/add/")).status_code == 403
