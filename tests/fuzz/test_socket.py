"""Fuzz test of sockets: each input gets a response or a close code, and other sockets continue."""

import asyncio
import json
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz.frames import TOKENS, VALID
from tests.fuzz.raw import BINARY, CLOSE, PING, TEXT, TIMEOUT, frame, handshake, peer
from tests.servers.tab import tabs

pytestmark = pytest.mark.usefixtures("calm")

# The same examples each time: what a run finds, the next one finds as well.
often = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

LIMIT = 64 * 1024

# What a server may close with, the client's own code included (RFC 6455, section 7.4).
CODES = {*range(1000, 1015), *range(3000, 5000)} - {1004, 1005, 1006, 1011}


def mutated(valid):
    """Replace some bytes of a valid frame."""
    cut = st.integers(0, len(valid))
    pieces = st.binary(max_size=8) | st.sampled_from(
        [token.encode(errors="surrogatepass") for token in TOKENS]
    )
    return st.builds(lambda start, end, piece: valid[:start] + piece + valid[end:], cut, cut, pieces)


small = (
    st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | st.sampled_from(VALID).flatmap(lambda text: mutated(text.encode()))
)
large = st.integers(LIMIT - 2, LIMIT + 2).map(lambda size: b'"' + b"x" * (size - 2) + b'"')


def fragmented(content, opcode, cuts):
    """Return a message in several frames, with pings in between."""
    places = sorted({cut % (len(content) + 1) for cut in cuts})
    pieces = [content[start:end] for start, end in zip([0, *places], [*places, None], strict=True)]
    frames = [
        frame(piece, opcode if number == 0 else 0, is_last=number == len(pieces) - 1)
        for number, piece in enumerate(pieces)
    ]
    return frame(opcode=PING).join(frames)


def expected(content, opcode):
    """Return the close code for a message; None if it gets a response."""
    if len(content) > LIMIT:
        return 1009
    try:
        content.decode() if opcode == TEXT else None
    except UnicodeDecodeError:
        return 1007
    return None


@often
@example(b"\xff", TEXT, [])
@example("\ud800".encode(errors="surrogatepass"), TEXT, [1])
@example(b"[" * 60_000, TEXT, [10, 20_000])
@example(b'{"a":' * 12_000, TEXT, [])
@given(small | large, st.sampled_from([TEXT, BINARY]), st.lists(st.integers(0, LIMIT), max_size=3))
async def test_every_message_is_answered_or_closes_the_socket_with_its_code(server, content, opcode, cuts):
    async with asyncio.timeout(TIMEOUT), peer(server) as client:
        await client.enter(server)
        client.writer.write(fragmented(content, opcode, cuts))
        while (answer := await client.frame())[0] not in (TEXT, CLOSE):
            pass
        if code := expected(content, opcode):
            assert answer[0] == CLOSE
            assert int.from_bytes(answer[1][:2]) == code
        else:
            assert {event["type"] for event in json.loads(answer[1])} <= {"error", "message"}


frames = st.builds(
    frame,
    data=small,
    opcode=st.integers(0, 15),
    is_last=st.booleans(),
    length=st.none() | st.sampled_from([0, 1, 125, 126, 127, LIMIT, LIMIT + 1, 2**32, 2**63, 2**64 - 1]),
)


@often
@example(frame(b"\x03\xe8", CLOSE) + frame(b"x"))
@example(frame(b"\x00", CLOSE))
@example(frame(b"", CLOSE))
@example(frame(b"\x03\xe8\xff", CLOSE))
@example(frame(b"x" * 126, PING))
@example(frame(b"x", is_last=False) + frame(b"y"))
@given(st.binary(max_size=300) | st.lists(frames, max_size=5).map(b"".join))
async def test_bytes_that_are_no_frames_end_with_a_code_of_the_protocol(server, data):
    async with asyncio.timeout(TIMEOUT), peer(server) as client:
        await client.enter(server)
        client.writer.write(data + frame(b"\x03\xe8", CLOSE))
        client.writer.write_eof()
        received, code = await client.end()
        assert code in CODES or code is None
        for opcode, text in received:
            if opcode == TEXT:
                assert {event["type"] for event in json.loads(text)} <= {"error", "message"}


@often
@given(st.binary(max_size=200) | st.lists(frames, max_size=3).map(b"".join), st.booleans())
async def test_bytes_that_come_before_the_handshake_is_answered(server, data, is_one_segment):
    async with asyncio.timeout(TIMEOUT), peer(server) as client:
        client.writer.write(handshake(server) + (data if is_one_segment else b""))
        if not is_one_segment:
            await asyncio.sleep(0)
            client.writer.write(data)
        client.writer.write_eof()
        await client.reader.read()


HEADERS = {
    "Upgrade": ["h2c", "websocket, websocket", ""],
    "Connection": ["close", "keep-alive, upgrade", ""],
    "Sec-WebSocket-Key": ["", "x", "x" * 9000, "dGhlIHNhbXBsZSBub25jZQ==, x"],
    "Sec-WebSocket-Version": ["", "8", "999999999999999999999999"],
    "Sec-WebSocket-Protocol": ["", ",,,", "lobby.v2", "\xff", "lobby.v1, lobby.v1"],
    "Sec-WebSocket-Extensions": ["permessage-deflate; server_max_window_bits=99", ";;;", "\xff"],
    "Origin": ["null", "http://[", "http://x:99999999", "http://\xff", "://", "http://127.0.0.1"],
    "Host": ["", "\xff", "[", "x" * 9000],
    "Cookie": ["sessionid=\xff", "sessionid=" + "x" * 8000, "=;=;;", 'sessionid="\\400"', "sessionid=a\x01"],
    "Content-Length": ["5", "-1", "x"],
    "Transfer-Encoding": ["chunked", "x"],
    "X-Long": ["x" * 9000, "x" * 70_000],
}

PATHS = [
    *["/ws/chat/%ff/", "/ws/chat/%00/", "/ws/chat/" + "x" * 5000, "/ws/chat//", "/ws/chat/%2f%2e%2e/", "*"],
    *[
        "http://127.0.0.1/ws/chat/bad/",
        "//",
        "/ws/chat/bad/?since=%ff&epoch=%00",
        "/ws/chat/bad/?since=" + "9" * 5000,
    ],
    *["/ws/chat/bad/?since=-1", "/ws/chat/bad/?since=\u0661", "/ws/chat/\u754c/", "/ws/chat/bad/?&&&==;#x"],
]

header = st.sampled_from(list(HEADERS)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(HEADERS[name]) | st.text(max_size=20))
)


@often
@given(st.lists(header, max_size=3), st.none() | st.sampled_from(PATHS) | st.text(max_size=30))
async def test_a_handshake_that_is_none_is_refused_and_never_an_error_of_ours(server, headers, path):
    await is_refused_or_accepted(server, handshake(server, path=path, **dict(headers)))


@pytest.mark.parametrize("name", HEADERS)
async def test_each_strange_header_is_no_error_of_ours(server, name):
    for value in HEADERS[name]:
        await is_refused_or_accepted(server, handshake(server, **{name: value}))


@pytest.mark.parametrize("path", PATHS)
async def test_each_strange_address_is_no_error_of_ours(server, path):
    await is_refused_or_accepted(server, handshake(server, path=path))


async def test_a_handshake_with_more_headers_than_there_can_be(server):
    many = {f"X-{number}": "x" for number in range(200)}
    await is_refused_or_accepted(server, handshake(server, **many))


async def test_a_request_to_a_host_that_is_not_ours(server):
    await is_refused_or_accepted(server, handshake(server, Upgrade="h2c", Host="elsewhere.example"))


@often
@given(st.binary(max_size=300))
async def test_garbage_in_the_place_of_a_handshake(server, data):
    async with asyncio.timeout(TIMEOUT), peer(server) as client:
        client.writer.write(data)
        client.writer.write_eof()
        await client.reader.read()


async def is_refused_or_accepted(server, request):
    """Check that the response is no server error. Only an incomplete request may stay without a response."""
    async with asyncio.timeout(TIMEOUT), peer(server) as client:
        client.writer.write(request)
        try:
            head = await client.reader.readuntil(b"\r\n")
        except asyncio.IncompleteReadError:  # not for ever
            assert b"Content-Length" in request or b"Transfer-Encoding" in request
        else:
            assert int(head.split()[1]) < 500


async def test_a_bystander_in_the_room_goes_on(server):
    async with tabs("bad", server) as (bystander,):
        for data in [b"\xff" * 100, frame(b"\xff"), frame(b"x" * (LIMIT + 1)), frame(b"[" * 60_000)]:
            async with peer(server) as client:
                await client.enter(server)
                client.writer.write(data)
                await client.frame()
        text = str(uuid4())
        await bystander.say(text)
        await bystander.until(lambda: text in bystander.texts)
