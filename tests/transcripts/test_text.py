"""Text of transcripts."""

from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from chat import actions
from chat.models import Message
from tests.transcripts.steps import ask, download, fill, lines, say, work
from transcripts import text as transcript_text
from transcripts.text import render_message


async def test_a_transcript_has_what_was_said_until_it_was_asked_for(client, guest, room):
    sent = await say(guest, room, "one", "two")
    address = await ask(client)
    await say(guest, room, "too late")
    await work()
    answer, text = await download(client, address)
    times = [f"{message.created_at:%Y-%m-%d %H:%M:%S}" for message in sent]
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


@pytest.mark.parametrize(
    "zone", ["Asia/Shanghai", "Mars/Olympus", "../etc/passwd", "x" * 300, "", "\0", "Asia"]
)
async def test_times_are_in_the_time_zone_of_who_has_asked(client, guest, room, zone):
    (sent,) = await say(guest, room, "one")
    address = await ask(client, time_zone=zone)
    await work()
    known = "Asia/Shanghai" if zone == "Asia/Shanghai" else "UTC"
    _, text = await download(client, address)
    head, entries = text.split("\n\n")
    assert head.endswith(f" ({known})")
    assert entries.startswith(f"[{sent.created_at.astimezone(ZoneInfo(known)):%Y-%m-%d %H:%M:%S}]")


async def test_many_messages_are_written_in_several_pieces_and_in_order(client, guest, room, monkeypatch):
    monkeypatch.setattr(transcript_text, "QUERY_CHUNK", 10)
    await fill(guest, room, 25)
    address = await ask(client)
    await work()
    assert await lines(client, address) == [f"{guest.name}: text {n}" for n in range(1, 26)]


async def test_an_empty_room_has_a_transcript_without_messages(client, room):
    address = await ask(client)
    await work()
    _, text = await download(client, address)
    assert text.split("\n")[1].startswith("0 messages until ")
    assert text.endswith(" (UTC)\n\n")


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
        ("Ada” said", '"Ada\\u201d said"'),
        *((name, f'"{name}"') for name in ("Ada\u2236 hi", "Ada\ua789 hi", "Ada\u02d0 hi", "Ada\u02f8 hi")),
        *((name, f'"{name}"') for name in ("Ada\u16ec hi", "राम ः नमस्ते", "Ada\u02d1 hi", "Ada (edited)")),
        *((name, name) for name in ("Zoë 2", "佐々木", "ルーシー", "रवि", "นาฬิกา")),
    ],
)
def test_no_name_passes_for_anothers_words(name, written):
    message = Message(author_name=name, text="hello", created_at=timezone.now())
    assert render_message(message).partition("] ")[2] == f"{written}: hello\n"


async def test_a_file_has_a_name_though_nothing_of_its_rooms_can_be_in_it(client, database):
    await sync_to_async(actions.open_room)('"?%')
    address = await ask(client, '"?%')
    await work()
    answer, _ = await download(client, address)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="_transcript.txt"'
