"""JSON logs and the access log of a real server: the ids of requests, sockets, people and rooms."""

import json

import pytest

from tests.servers.processes import Server, fetch, wait_until
from tests.servers.tab import tabs
from tests.servers.visitor import Visitor

# How long a closed socket may take to be logged (seconds).
PATIENCE = 10


@pytest.fixture(scope="module")
def server():
    with Server(environment={"LOG_FORMAT": "json", "ACCESS_LOG": "1"}) as server:
        yield server


def log_of(server):
    """Return all records. The first line of `bin/run`, for people, is none."""
    return [json.loads(line) for line in server.log.splitlines() if not line.startswith("Lobby is running")]


def records(server, start):
    """Return the records of the access log whose messages begin with a text."""
    records = [each for each in log_of(server) if each["logger"] == "lobby.access"]
    return [each for each in records if each["message"].startswith(start)]


async def test_a_closed_socket_is_logged_with_its_person_and_room(server):
    visitor = Visitor(server)  # which has loaded a page as a guest
    async with tabs("lobby", server, headers=visitor.cookies) as (tab,):
        await tab.say("not to be logged")
        await tab.until_texts("not to be logged")
    wait_until(lambda: records(server, "socket: closed"), PATIENCE)
    (record,) = records(server, "socket: closed with 1000 after ")
    assert record.keys() >= {"time", "socket", "seconds"}
    assert (record["level"], record["code"], record["room"]) == ("INFO", "1000", 1)
    visitor.get("/chat/lobby/")
    (page,) = [each for each in records(server, "request: GET /chat/lobby/ 200 (") if "person" in each]
    assert (page["person"], page["room"]) == (record["person"], record["room"])
    assert "not to be logged" not in server.log


def test_a_request_is_logged_with_its_view_and_status(server):
    fetch(server, "/chat/other/?token=secret")
    fetch(server, "/nowhere/%0a")
    (page,) = records(server, "request: GET /chat/other/ 200 (")
    (missing,) = records(server, "request: GET /nowhere/")
    assert (page["view"], page["status"]) == ("room", 200)
    assert (missing["view"], missing["status"]) == ("none", 404)
    assert page["request"] != missing["request"]
    (warning,) = [each for each in log_of(server) if each["logger"] == "django.request"]
    assert warning["request"] == missing["request"]
    assert "secret" not in server.log
