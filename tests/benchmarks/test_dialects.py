"""The clients of `bin/bench` count what the servers really say."""

from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest

from benchmarks.dialects import Bare, Lobby, SocketIO, Tutorial, text
from benchmarks.errors import Broken
from chat import protocol


def event(number):
    person = protocol.Author(1, "Quiet Heron")
    return protocol.Message(number, number, uuid4(), person, text(number), datetime.now(UTC), None, None, [])


def test_a_frame_of_lobby_may_carry_several_messages():
    frame = protocol.encode([event(7), event(8)]).encode()
    assert Lobby().messages(frame) == (7, 8)


def test_lobby_reads_what_its_tabs_send():
    command = msgspec.json.decode(Lobby().send(7), type=protocol.Send)
    assert command.message == text(7)


def test_a_tab_of_lobby_is_admitted_by_the_welcome_only():
    you = protocol.You(1, "Quiet Heron", True)
    welcome = protocol.encode([protocol.Welcome("room", "epoch", 0, you, False)]).encode()
    assert Lobby().admits(welcome)
    assert Lobby().messages(welcome) == ()


def test_a_refusal_breaks_the_measurement():
    refused = protocol.encode([protocol.Error("rate_limited", "Too many messages.")]).encode()
    with pytest.raises(Broken, match="rate_limited"):
        Lobby().admits(refused)


@pytest.mark.parametrize("dialect", [Bare(), Tutorial(), SocketIO()])
def test_the_others_say_back_what_they_were_sent(dialect):
    assert dialect.messages(dialect.send(7)) == (7,)


def test_socketio_is_answered_as_it_expects():
    dialect = SocketIO()
    assert dialect.answer(b'0{"sid":"x"}') == b"40"
    assert dialect.answer(b"2") == b"3"
    assert dialect.admits(b'40{"sid":"x"}')
    assert dialect.messages(b"2") == ()
