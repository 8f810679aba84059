"""Bad input: a clear error, an open socket, nothing stored, no log above warning."""

import json
import logging

import pytest

from chat.models import Message

BAD_FRAMES = {
    "not JSON": "hello",
    "nothing": "",
    "not an object": "[1]",
    "null": "null",
    "deeply nested": "[" * 20_000,
    "no type": "{}",
    "an unknown type": '{"type": "shout", "message": "hi"}',
    "a type of a wrong type": '{"type": 1}',
    "a missing key": '{"type": "send", "message": "hi"}',
    "a wrong type": '{"type": "send", "message": 1, "client_id": "0b6f0bd6-1a3a-4d5c-8a4e-000000000000"}',
    "no UUID": '{"type": "send", "message": "hi", "client_id": "x"}',
    "a number out of range": '{"type": "delete", "number": 1e400}',
    "a number too large": '{"type": "delete", "number": 99999999999999999999}',
    "an escaped surrogate": (
        '{"type": "send", "message": "a\\ud800b", "client_id": "0b6f0bd6-1a3a-4d5c-8a4e-000000000000"}'
    ),
    "a bare surrogate": "\ud800",
}

BAD_TEXTS = {
    "empty": ("", "bad_frame"),
    "blank": (" \n\u3000", "bad_frame"),
    "NUL": ("\0", "bad_frame"),
    "too long": ("界" * 4001, "too_long"),
}


@pytest.fixture(autouse=True)
def calm(caplog):
    yield
    assert [record for record in caplog.records if record.levelno > logging.WARNING or record.exc_info] == []


async def still_works(socket):
    await socket.say("x" * 4000)
    assert len((await socket.event("message"))["message"]) == 4000
    assert await Message.objects.acount() == 1


@pytest.mark.parametrize("frame", BAD_FRAMES.values(), ids=BAD_FRAMES.keys())
async def test_a_malformed_frame(connect, frame):
    socket = await connect()
    await socket.send_frame(frame)
    error = await socket.event("error")
    assert error["code"] == "bad_frame"
    assert error["detail"]
    await still_works(socket)


@pytest.mark.parametrize(("text", "code"), BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
async def test_an_invalid_text(connect, text, code):
    socket = await connect()
    client_id = await socket.say(text)
    error = await socket.event("error")
    assert (error["code"], error["client_id"]) == (code, client_id)
    await still_works(socket)


async def test_a_nul_is_dropped(connect, guest):
    socket = await connect(user=guest)
    await socket.say("\0a\0b")
    assert (await socket.event("message"))["message"] == "ab"
    await socket.send_command(type="edit", number=1, message="c\0d")
    assert (await socket.event("message"))["message"] == "cd"


async def test_lines_end_with_line_feeds(connect, guest, afresh):
    socket = await connect(user=guest)
    await socket.say("a\r\nb\rc\n")
    assert (await socket.event("message"))["message"] == "a\nb\nc\n"
    await socket.send_command(type="edit", number=1, message="a\r\n\rb")
    assert (await socket.event("message"))["message"] == "a\n\nb"
    assert (await Message.objects.aget()).text == "a\n\nb"
    await Message.objects.aupdate(text="a\r\nb")  # as earlier versions stored it
    assert (await afresh("lobby")).messages[1]["message"] == "a\nb"


@pytest.mark.parametrize("frame", ["hello", "[]", '{"message": 1}', '{"message": ""}', "{}"])
async def test_a_plain_client_gets_the_same_errors(connect, frame):
    socket = await connect(plain=True)
    await socket.send_frame(frame)
    assert (await socket.receive())["error"]["code"] == "bad_frame"
    await socket.send_json_to({"message": "hi"})
    assert (await socket.receive())["message"] == "hi"


async def test_a_binary_frame(connect):
    socket = await connect()
    await socket.send_to(bytes_data=b"\xff\x00")
    assert (await socket.event("error"))["code"] == "bad_frame"
    await still_works(socket)


async def test_unknown_keys_are_ignored(connect):
    socket = await connect(plain=True)
    await socket.send_frame(json.dumps({"message": "hi", "colour": "green"}))
    assert (await socket.receive())["message"] == "hi"


async def test_a_frame_of_more_than_64_kib_closes_the_socket(connect):
    socket = await connect()
    await socket.send_frame("界" * 22_000)  # 66,000 bytes
    assert await socket.close_code() == 1009
