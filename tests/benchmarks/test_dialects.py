"""Wire protocols of `bin/bench`'s clients: they agree with the servers."""

from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest

from benchmarks.dialects import Bare, Lobby, SocketIO, Tutorial, text
from benchmarks.errors import MeasurementFailed
from chat import protocol


def event(number):
    person = protocol.Author(1, "Quiet Heron")
    return protocol.Message(number, number, uuid4(), person, text(number), datetime.now(UTC), None, None, [])


def test_a_frame_of_lobby_may_carry_several_messages():
    frame = protocol.encode([event(7), event(8)]).encode()
    assert Lobby().messages(frame) == (7, 8)


def test_lobby_accepts_the_commands_of_the_clients():
    command = msgspec.json.decode(Lobby().send(7), type=protocol.Send)
    assert command.message == text(7)


def test_only_the_welcome_admits_a_tab_of_lobby():
    you = protocol.You(1, "Quiet Heron", True)
    welcome = protocol.encode([protocol.Welcome("room", "epoch", 0, you, False)]).encode()
    assert Lobby().admits(welcome)
    assert Lobby().messages(welcome) == ()


def test_an_error_fails_the_measurement():
    refused = protocol.encode([protocol.Error("rate_limited", "Too many messages.")]).encode()
    with pytest.raises(MeasurementFailed, match="rate_limited"):
        Lobby().admits(refused)


@pytest.mark.parametrize("dialect", [Bare(), Tutorial(), SocketIO()])
def test_the_other_servers_echo_messages(dialect):
    assert dialect.messages(dialect.send(7)) == (7,)


def test_the_client_replies_to_socketio():
    dialect = SocketIO()
    assert dialect.reply(b'0{"sid":"x"}') == b"40"
    assert dialect.reply(b"2") == b"3"
    assert dialect.admits(b'40{"sid":"x"}')
    assert dialect.messages(b"2") == ()
