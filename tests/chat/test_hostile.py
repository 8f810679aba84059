"""Hostile text in every field: it is stored and shown as plain text, or refused with a reason."""

import sys
from html.parser import HTMLParser
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actions import create_guest, rename
from accounts.queries import find_holders
from base import names
from chat import actions, mentions
from chat.markup import find_at_signs
from chat.models import Message
from tests import hostile
from transcripts.actions import request_transcript


class Kinds(HTMLParser):
    """Structure of a page: its kinds of elements, with the names of their attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.add((tag, *sorted(name for name, _ in attributes)))


def kinds(user, *paths):
    client = Client()
    client.force_login(user)
    answers = [client.get(path) for path in paths]
    assert {answer.status_code for answer in answers} == {200}
    return [Kinds(answer.content.decode()).found for answer in answers]


def say(author, room, *texts):
    for text in texts:
        actions.send(author, actions.open_room(room), text, uuid4())


def pages(room):
    return ["/chat/", f"/chat/{quote(room, safe='')}/", f"/rooms/?asked=&here={quote(room, safe='')}"]


async def test_messages_are_sent_and_stored_unchanged(connect):
    socket = await connect("hostile", plain=True)
    normalized_texts = [text.replace("\r\n", "\n").replace("\r", "\n") for text in hostile.MESSAGES.values()]
    for text, expected in zip(hostile.MESSAGES.values(), normalized_texts, strict=True):
        await socket.send_json_to({"message": text})
        assert (await socket.receive()).get("message") == expected
    stored = Message.objects.order_by("number").values_list("text", flat=True)
    assert [text async for text in stored] == normalized_texts


@pytest.mark.django_db(transaction=True)
def test_messages_do_not_change_the_structure_of_pages():
    you = create_guest()
    for room in ("harmless", "other"):
        say(you, room, "hello")
    harmless = kinds(you, *pages("harmless"))
    texts = [*hostile.SCRIPTS.values(), *hostile.TURNING.values()]
    say(you, "hostile", *texts)
    for number, text in enumerate(texts):
        say(you, f"hostile {number}", text)
    assert kinds(you, *pages("hostile")) == harmless


@pytest.mark.django_db(transaction=True)
def test_names_of_people_do_not_change_the_structure_of_pages():
    you = create_guest()
    for room in ("harmless", "other"):
        say(you, room, "hello")
    own = ["/me/", "/me/sign-up/", "/me/sign-in/"]
    harmless = kinds(you, *pages("harmless"), *own)
    for name in hostile.NAMES.values():
        say(rename(create_guest(), name), name.replace("/", ""), "hello")
    for name in (hostile.NAMES["an attribute"], hostile.NAMES["a tag"]):
        assert kinds(*find_holders(name), *pages("harmless"), *own) == harmless


@pytest.mark.django_db(transaction=True)
def test_names_of_rooms_do_not_change_the_structure_of_pages():
    you = create_guest()
    for room in ("harmless", "other"):
        say(you, room, "hello")
    found = []
    for name in ("harmless", hostile.NAMES["an attribute"]):
        say(you, name, "hello")
        export = request_transcript(you, actions.open_room(name))
        found.append(kinds(you, *pages(name), reverse("transcript", args=[name, export.pk])))
    assert found[0] == found[1]


@pytest.mark.parametrize("text", hostile.NO_MESSAGES.values(), ids=hostile.NO_MESSAGES.keys())
async def test_an_invisible_message_is_refused(connect, text):
    socket = await connect("hostile")
    await socket.say(text)
    assert (await socket.event("error"))["code"] == "bad_frame"
    assert await Message.objects.acount() == 0


async def test_an_invisible_edit_is_refused(connect, guest):
    socket = await connect("hostile", user=guest)
    await socket.say("hello")
    message = await socket.event("message")
    for text in hostile.NO_MESSAGES.values():
        await socket.send_command(type="edit", number=message["number"], message=text)
        assert (await socket.event("error"))["code"] == "bad_frame"
    assert (await Message.objects.aget()).text == "hello"


# Forms and addresses with names, and their errors.
REFUSING = {
    "a person": lambda client, name: client.post("/me/name/", {"name": name}),
    "a room": lambda client, name: client.get("/chat/", {"room": name}, follow=True),
    "a room's address": lambda client, name: client.get(f"/chat/{quote(name, safe='')}/"),
    "an account": lambda client, name: client.post(
        "/me/sign-up/", {"username": name, "password1": "correct horse", "password2": "correct horse"}
    ),
    "an order": lambda client, name: client.post(
        "/orders/", {"subject": name, "amount": "1", "currency": "EUR"}
    ),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("field", REFUSING.values(), ids=REFUSING.keys())
def test_deceptive_names_are_refused(field):
    client = Client()
    client.get("/chat/hostile/")
    for what, name in hostile.NO_NAMES.items():
        assert field(client, name).status_code in (400, 404), what


async def test_sockets_refuse_deceptive_room_names(connect):
    for name in hostile.NO_NAMES.values():
        if len(name) < 1000:  # longer ones exceed the server's own limit first
            assert await (await connect(name)).close_code() == 4404


@pytest.fixture
def normalized(monkeypatch):
    """Record the lengths of normalized texts."""
    lengths, normalize = [], names.unicodedata.normalize
    monkeypatch.setattr(
        names.unicodedata, "normalize", lambda form, text: lengths.append(len(text)) or normalize(form, text)
    )
    return lengths


@pytest.mark.django_db(transaction=True)
def test_texts_that_are_too_long_are_not_normalized(normalized):
    client = Client()
    for field in REFUSING.values():
        assert field(client, "a" + "\u0315\u0323" * 1000).status_code in (400, 404)
    client.get("/rooms/", {"asked": "\u0315\u0323" * 1000})
    assert max(normalized) <= 400


# The most expensive texts after each `@`.
COSTLY = {
    "Han": "@" + "界" * 9,
    "marks": "@" + "a\u0315\u0323" * 3 + ",",
    "letters that expand": "@" + "\ufdfa" * 9,
    "no spaces": "@a,",
    "words": "@" + "a " * 9,
}


@pytest.fixture
def author(transactional_db):
    return create_guest()


@pytest.fixture
def normalizing(monkeypatch):
    """Record the lengths of normalized texts; none may be normalized under the database's lock."""
    lengths, normalize = [], names.unicodedata.normalize

    def counted(form, text):
        assert not connection.in_atomic_block
        lengths.append(len(normalize(form, text)))
        return normalize(form, text)

    monkeypatch.setattr(names.unicodedata, "normalize", counted)
    return lengths


@pytest.mark.parametrize("unit", COSTLY.values(), ids=COSTLY.keys())
def test_the_cost_of_mentions_is_linear(author, normalizing, unit):
    room = actions.open_room("hostile")
    text = (unit * 4000)[:4000]
    for store in (
        lambda: actions.send(author, room, text, uuid4()),
        lambda: actions.edit(author, room, 1, text),
    ):
        normalizing.clear()
        with CaptureQueriesContext(connection) as queries:
            store()
        assert sum(normalizing) <= 4 * len(text)
        (lookup,) = [each["sql"] for each in queries if "name_key" in each["sql"] and "CROSS" in each["sql"]]
        assert lookup.count(", '") < mentions.MAX_KEYS
        assert len(lookup) < 10 * len(text)


def test_names_are_normalized_before_transactions(author, normalizing):
    actions.open_room("聊天室")
    rename(author, "Ada")
    assert normalizing


def steps(function):
    """Count the lines of our own code that run."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        count += event == "line"
        return trace if "/chat/" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("grown", hostile.GROWING.values(), ids=hostile.GROWING.keys())
def test_ten_times_the_text_takes_ten_times_the_steps(grown):
    few, many = (
        steps(lambda size=size: list(find_at_signs(grown(size) + " @Ada"))) for size in (4000, 40_000)
    )
    assert 0 < many < 20 * few  # quadratic time would be a hundred times as many
