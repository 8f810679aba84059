"""Turns of parsing: many connections that send much do not delay other addresses."""

import asyncio
from functools import partial
from types import SimpleNamespace

from server.client_budget import get_received_budget
from server.turns import Turns

PIECE = 512
CROWD, PIECES = 100, 20


class Connection(Turns):
    """Connection that records its turns, in each of which it parses ten frames."""

    network = ""

    def __init__(self, network, turns):
        self.network, self.turns = network, turns
        self.loop = asyncio.get_running_loop()
        self.transport = SimpleNamespace(is_closing=lambda: False, abort=lambda: None)

    def may_parse(self):
        return True

    def feed(self, piece):
        self.turns.append(self)
        return 10

    def hold(self, is_held):
        self.is_held = is_held


def crowd(turns):
    """Return connections of one address that have all sent much at once."""
    connections = [Connection("192.0.2.1", turns) for _ in range(CROWD)]
    for connection in connections:
        connection.data_received(bytes(PIECE * PIECES))
    return connections


async def all_parsed(connections):
    async with asyncio.timeout(10):
        while any(connection.is_held for connection in connections):
            await asyncio.sleep(0)


async def test_another_address_does_not_wait_for_a_crowd():
    turns = []
    connections = crowd(turns)
    quiet = Connection("198.51.100.1", turns)
    quiet.data_received(b"x")
    assert len(turns) < 5
    await all_parsed([*connections, quiet])
    assert turns.index(quiet) < 5
    assert len(turns) == CROWD * PIECES + 1


async def test_connections_of_an_address_take_turns():
    turns = []
    await all_parsed(connections := crowd(turns))
    assert set(turns[: CROWD + 5]) == set(connections)


async def test_a_connection_that_cannot_be_parsed_is_closed_and_others_go_on(caplog):
    turns, aborted = [], []
    broken, other = Connection("192.0.2.1", turns), Connection("192.0.2.1", turns)
    broken.feed = lambda piece: 1 / 0
    broken.transport = SimpleNamespace(is_closing=lambda: bool(aborted), abort=lambda: aborted.append(1))
    broken.data_received(b"x")
    other.data_received(b"x")
    await all_parsed([other])
    assert (aborted, turns) == ([1], [other])
    assert "cannot be parsed" in caplog.text


async def test_received_data_is_bounded_together(monkeypatch):
    """As with pipelined requests, the address with the most data loses its oldest connection."""
    size, aborted = PIECE * PIECES, []
    monkeypatch.setattr("server.client_budget.MOST_BYTES", 2 * size + 1)
    monkeypatch.setattr(Connection, "may_parse", lambda self: False)
    named = [("other", "198.51.100.1"), ("oldest", "192.0.2.1"), ("newest", "192.0.2.1")]
    connections = {name: Connection(network, []) for name, network in named}
    for name, connection in connections.items():
        connection.transport = SimpleNamespace(is_closing=bool, abort=partial(aborted.append, name))
        connection.data_received(bytes(size))
    assert aborted == ["oldest"]
    monkeypatch.undo()
    for connection in connections.values():
        connection.parse()
    await all_parsed(connections.values())
    assert not get_received_budget()._clients
