"""Log: no client's text can pose as a record, or control the terminal."""

import json
import logging
import re
from contextvars import copy_context
from io import StringIO
from time import monotonic
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import TooManyFieldsSent
from django.test import Client

from base import log_context
from base.api_errors import ApiError
from connections.guard import Guard
from connections.middleware import BrowserOriginValidator
from server.log_format import Json
from tests import hostile

RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (WARNING|ERROR) [\w.]+: ")

# What a terminal obeys, and what turns a line's direction.
HIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture
def log(monkeypatch):
    """Return the lines since the last call."""
    (console,) = [each for each in logging.getLogger().handlers if type(each) is logging.StreamHandler]
    written = StringIO()
    monkeypatch.setattr(console, "stream", written)
    monkeypatch.setattr(console, "filters", [type(each)() for each in console.filters])  # which count from 0

    def lines():
        text = written.getvalue()
        written.seek(0)
        written.truncate()
        return text.removesuffix("\n").split("\n")

    return lines


@pytest.fixture
def clock(monkeypatch):
    """Stop the log's clock."""
    clock = SimpleNamespace(now=monotonic() + 1e6)
    monkeypatch.setattr("server.log_format.time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def is_plain(lines):
    return not HIDDEN.search("".join(lines))


TEXTS = hostile.UNSEEN | hostile.TURNING


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_one_record_begins_one_line(log, text):
    logging.getLogger("chat").warning("A name: %s", text)
    first, *others = log()
    assert RECORD.match(first)
    assert all(line.startswith("    ") for line in others)
    assert is_plain([first, *others])


def test_nor_does_the_text_of_an_exception(log):
    try:
        raise ValueError(hostile.UNSEEN["a forged record"] + hostile.UNSEEN["controls"])
    except ValueError:
        logging.getLogger("chat").exception("It failed")
    lines = log()
    assert [bool(RECORD.match(line)) for line in lines] == [True] + [False] * (len(lines) - 1)
    assert any("ERROR django: owned" in line for line in lines[1:])
    assert is_plain(lines)


@pytest.mark.django_db
def test_nor_does_an_address(log):
    Client().get("/x%0a2026-01-01 00:00:00,000 ERROR django: owned%1b[2J")
    (line,) = log()
    assert RECORD.match(line)
    assert is_plain([line])


@pytest.mark.parametrize("link", ["/me/password/MQ/{}/", "/me/email/confirm/{}/", "/join/{}/"])
def test_no_line_has_the_token_of_a_link(log, link):
    token = "c8x-0123456789abcdef"
    Client(enforce_csrf_checks=True).post(link.format(token))
    logging.getLogger("django.request").error("Error: %s", link.format(token), extra={"status_code": 503})
    try:
        raise ValueError(f"Referer https://chat.example{link.format(token)}?x is no good")
    except ValueError:
        logging.getLogger("chat").exception("It failed")
    lines = log()
    assert [line for line in lines if token in line] == []
    assert sum(link.format("[token]") in line for line in lines) == 3


@pytest.fixture
def json_log(log, monkeypatch):
    (console,) = [each for each in logging.getLogger().handlers if type(each) is logging.StreamHandler]
    monkeypatch.setattr(console, "formatter", Json())
    return log


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_json_record_is_one_line(json_log, text):
    try:
        raise ValueError(text)
    except ValueError:
        logging.getLogger("chat").exception("A name: %s", text)
    (line,) = json_log()
    record = json.loads(line)
    assert line.isascii() and is_plain([line])
    assert (record["level"], record["logger"], record["message"]) == ("ERROR", "chat", f"A name: {text}")
    assert record["exception"].endswith(f"ValueError: {text}")


def test_a_json_record_has_no_token_and_is_cut(json_log):
    try:
        raise ValueError("/join/c8x-0123456789abcdef/ is no good")
    except ValueError:
        logging.getLogger("chat").exception("It failed: /join/c8x-0123456789abcdef/")
    logging.getLogger("chat").warning("Not found: %s", "x" * 60_000)
    failed, cut = map(json.loads, json_log())
    assert failed["message"] == "It failed: /join/[token]/"
    assert failed["exception"].endswith("ValueError: /join/[token]/ is no good")
    assert cut["message"].endswith("x... (59,011 characters more)")


def test_records_of_a_task_have_its_fields_and_others_have_not(json_log):
    def work():
        log_context.begin({"request": "a1"})
        log_context.add(person=7)
        logging.getLogger("chat").warning("within")

    copy_context().run(work)
    log_context.add(person=8)  # nothing is running
    logging.getLogger("chat").warning("beside")
    within, beside = map(json.loads, json_log())
    assert (within["request"], within["person"]) == ("a1", 7)
    assert not {"request", "person"} & beside.keys()


def test_a_long_message_is_cut(log):
    logging.getLogger("chat").warning("Not found: %s", "x" * 60_000)
    (line,) = log()
    assert len(line) < 1200
    assert line.endswith("xxx... (59,011 characters more)")


LOGGERS = [
    "django.request",
    "django.security.csrf",
    "django.security.TooManyFieldsSent",
    "uvicorn.error",
    "chat.consumers",
    "lobby.security",
]


def test_what_outsiders_cause_is_written_a_few_times(log, clock):
    for name in LOGGERS:
        for number in range(100):
            logging.getLogger(name).warning("Refused: %s", number)
        assert len(log()) == 10
        clock.now += 6
        logging.getLogger(name).warning("Refused: %s", 100)
        (line,) = log()
        assert line.endswith("Refused: 100 (and 90 more before)")
    for _ in range(20):
        logging.getLogger("django.request").error("Failed")
    assert len(log()) == 20


def test_a_kind_of_warning_leaves_others_their_lines(log, clock):
    for number in range(100):
        logging.getLogger("chat").warning("Refused: %s", number)
        logging.getLogger("chat").warning(f"Refused: {number}")
    assert len(log()) == 20
    logging.getLogger("chat").warning("Given up: %s", 1)
    assert len(log()) == 1


def test_suspicious_requests_are_warnings_of_one_line(log, clock):
    for number in range(100):
        try:
            raise TooManyFieldsSent(f"field {number}")
        except TooManyFieldsSent as error:
            logging.getLogger("django.security.TooManyFieldsSent").error(str(error), exc_info=error)
    lines = log()
    assert len(lines) == 10 and "WARNING django.security.TooManyFieldsSent: field 0" in lines[0]


async def refuse(application, scope):
    """Call an application that refuses a socket."""

    messages = [{"type": "websocket.disconnect", "code": 1006}, {"type": "websocket.connect"}]

    async def receive():
        return messages.pop()

    async def send(message):
        pass

    await application(scope, receive, send)


SCOPE = {
    "type": "websocket",
    "path": "/",
    "subprotocols": [],
    "query_string": b"",
    "client": ("192.0.2.1", 1),
    "user": AnonymousUser(),
}


async def test_a_thousand_refused_origins_are_a_few_lines(database, log, clock):
    application = BrowserOriginValidator(None)
    headers = [(b"host", b"localhost"), (b"origin", b"https://localhost")]
    for _ in range(1000):
        await refuse(application, {**SCOPE, "headers": headers})
    lines = log()
    assert len(lines) == 20
    assert lines[0].endswith("origin https://localhost refused: name it in CSRF_TRUSTED_ORIGINS")
    assert lines[1].endswith("origin_refused person=- address=192.0.2.1")


async def test_a_thousand_refused_sockets_are_a_few_lines(database, log, clock):
    async def application(scope, receive, send):
        raise ApiError("unavailable", "Too many connections.")

    for _ in range(1000):
        await refuse(Guard(application), {**SCOPE, "headers": []})
    lines = log()
    assert len(lines) == 10
    assert lines[0].endswith("connections.guard: A socket is given up: Too many connections.")
