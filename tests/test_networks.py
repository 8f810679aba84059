"""Networks: every limit counts all addresses of an IPv6 /64 network as one."""

import re
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

import live
from base import ratelimit_keys
from connections.admission import Full, Places
from connections.guard import Visit
from mysite.messages import PACKAGES
from server.connections import Connections
from server.http_protocol import HttpProtocol
from server.socket_protocol import SocketProtocol
from tests.servers.processes import ROOT
from transcripts import space

ONE, OTHER, STRANGER = "2001:db8:1:2::1", "2001:db8:1:2:3::4", "2001:db8:1:3::1"

# What reads the address of a client.
READS_ADDRESS = re.compile(r'get\("client"\)|\["client"\]|\.client\[0\]|REMOTE_ADDR')

# Where that is done; all others ask these.
READERS = {
    "live/networks.py",
    "base/ratelimit_keys.py",
    "base/security_log.py",  # which names the whole address
    "connections/middleware.py",  # for the security log
    "server/http_protocol.py",
    "accounts/guests.py",
    "transcripts/views.py",
}


def scope(address):
    user, session = AnonymousUser(), SessionStore()
    return {"client": [address, 0], "user": user, "session": session, "subprotocols": []}


def request(address):
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    request.user = AnonymousUser()
    return request


def served(protocol, address):
    """Return the network of a connection, as turns of parsing and memory budgets count it."""
    connection = protocol.__new__(protocol)
    connection.client, connection.scope = (address, 0), scope(address)
    return connection.network


# What each limit counts an address under.
LIMITS = {
    "rate limits of pages": lambda address: ratelimit_keys.request_keys(request(address)),
    "rate limits of sockets": lambda address: ratelimit_keys.socket_keys(scope(address)),
    "rate limits of people": lambda address: ratelimit_keys.person_keys(None, address),
    "rate limits of addresses": ratelimit_keys.address_keys,
    "the space of transcripts": space.hash_address,
    "connections": lambda address: served(HttpProtocol, address),
    "frames": lambda address: served(SocketProtocol, address),
}


@pytest.mark.parametrize("limit", LIMITS)
async def test_a_limit_counts_a_network(limit):
    counted = LIMITS[limit]
    assert counted(ONE) == counted(OTHER) != counted(STRANGER)


async def test_plain_sockets_count_a_network():
    one, other, stranger = [Visit(scope(each), None, None).address for each in (ONE, OTHER, STRANGER)]
    assert one == other != stranger


async def test_connections_count_a_network():
    connections = Connections(10, 1)
    assert [connections.add(object(), each, False) for each in (ONE, OTHER, STRANGER)] == [True, False, True]


async def test_places_count_a_network(settings):
    settings.CONNECTIONS_PER_ADDRESS = 1000
    places = Places(2, 1, 1000, 1, 0.01)
    await places.take(ONE)
    with pytest.raises(Full):
        await places.take(OTHER)
    await places.take(STRANGER)


async def test_readers_of_a_backlog_take_turns_by_network(monkeypatch):
    readers = []

    class Hub:
        @asynccontextmanager
        async def open(self, *args):
            yield SimpleNamespace(covers=lambda cursor: False)

        async def read_backlog(self, topic, log, cursor, reader):
            readers.append(reader)
            raise live.Lagged

    monkeypatch.setattr("live.consumers.get_hub", Hub)
    for address in (ONE, OTHER, STRANGER):
        consumer = live.LogConsumer()
        consumer.scope, consumer.on_error = scope(address), lambda error: None
        async with AsyncExitStack() as consumer.life:
            await consumer.follow("a topic", None, live.Head(1), 0)
    one, other, stranger = readers
    assert one == other != stranger


def test_few_modules_read_an_address():
    """Other modules would count addresses in their own ways."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert {
        str(path.relative_to(ROOT)) for path in paths if READS_ADDRESS.search(path.read_text())
    } == READERS
