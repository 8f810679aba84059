"""The log: nobody's text can pass for a record of it, nor command the terminal that shows it."""

import logging
import re
from io import StringIO

import pytest
from django.test import Client

from tests import hostile

RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (WARNING|ERROR) [\w.]+: ")

# What a terminal obeys, and what turns a line's direction.
HIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture
def log(monkeypatch):
    """The lines that have come since this was asked last."""
    (console,) = [each for each in logging.getLogger().handlers if type(each) is logging.StreamHandler]
    written = StringIO()
    monkeypatch.setattr(console, "stream", written)

    def lines():
        said = written.getvalue()
        written.seek(0)
        written.truncate()
        return said.removesuffix("\n").split("\n")

    return lines


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


def test_a_long_message_is_cut(log):
    logging.getLogger("chat").warning("Not found: %s", "x" * 60_000)
    (line,) = log()
    assert len(line) < 1200
    assert line.endswith("xxx... (59,011 characters more)")


def test_what_outsiders_cause_is_written_a_few_times(log, monkeypatch):
    now = 1e9
    monkeypatch.setattr("mysite.logs.time.monotonic", lambda: now)
    for name in ["django.request", "django.security.csrf", "django.security.DisallowedHost", "uvicorn.error"]:
        for number in range(100):
            logging.getLogger(name).warning("Refused: %s", number)
        assert len(log()) == 10
        now += 6
        logging.getLogger(name).warning("Refused: %s", 100)
        (line,) = log()
        assert line.endswith("Refused: 100 (and 90 more before)")
    for _ in range(20):
        logging.getLogger("django.request").error("Failed")
    assert len(log()) == 20
