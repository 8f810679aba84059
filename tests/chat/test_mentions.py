"""Mentions: found among the people of the room, sent to all tabs, and counted as unread."""

import json
from operator import itemgetter
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext

from accounts.actions import create_guest, rename
from accounts.confusables import NameKeys, letter_likenesses
from accounts.models import User
from chat import actions, markup, mentions, permissions
from chat.actions import Member
from chat.actions.message_batch import NewMessage
from chat.actions.rooms import create_private_room
from chat.models import Membership, Mention, Role
from chat.queries import history
from chat.services import unread_feed
from live import hub
from tests.servers.processes import ROOT

# Examples for the page as well: see tests/browser/test_markup.py.
TEXTS = json.loads((ROOT / "tests/texts.json").read_text())


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Shorten the intervals, and compare nothing, so that lost notifications stay lost."""
    monkeypatch.setattr(unread_feed, "FLUSH_INTERVAL", 0.05)
    monkeypatch.setattr(unread_feed, "DEBOUNCE", 0.02)
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 60)
    monkeypatch.setattr(hub, "COMPARE_INTERVAL_UNHEALTHY", 60)


@pytest.fixture
def room(transactional_db):
    return actions.open_room("lobby")


@pytest.fixture
def person(room):
    """Make a person with a name who has written in the room."""

    def person(name, where=room):
        made = rename(create_guest(), name)
        if where:
            say(made, where, "hi")
        return made

    return person


@pytest.fixture
def speaker(person):
    return person("Speaker", where=None)


def say(author, room, text):
    return actions.send(author, room, text, uuid4())[0]


def named(message):
    return [mention.name for mention in message.mentions]


# Matching


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@Ada", ["Ada"]),
        ("hi @ada, and (@ADA)!", ["ada"]),
        ("@Ada Lovelace", ["Ada Lovelace"]),
        ("@Ada  Lovelace", ["Ada  Lovelace"]),
        ("@Ada Love", ["Ada"]),
        ("@Ada\nLovelace", ["Ada"]),
        ("@Adam @Ada2 me@Ada x@ada.org @ Ada @", []),
        ("你好@王小明你好", ["王小明"]),
        ("@王小明和@Ada说", ["Ada", "王小明"]),
        ("@STRASSE @ａｄａ", ["ａｄａ", "STRASSE"]),
        ("@@Ada_@ada", ["Ada"]),
        ("@Zoë. @zoe", ["Zoë"]),
        ("@Eve.", ["Eve"]),
        ("@Ada\u02bc @Eve\u02d0", ["Ada", "Eve"]),
        ("@عمر، نعم", ["عمر"]),
        ("@Elsewhere @Nobody @Speaker @Gone", []),
        ("@Has Written", ["Has Written"]),
        ("no mark: Ada", []),
    ],
)
def test_spellings_of_a_name_mention_people_of_the_room(room, person, speaker, text, found):
    for name in ("Ada", "Ada Lovelace", "王小明", "Straße", "Zoë", "عمر", "Eve!"):
        person(name)
    person("Has Written")
    person("Elsewhere", where=actions.open_room("elsewhere"))
    User.objects.filter(pk=person("Gone").pk).update(is_active=False)
    assert named(say(speaker, room, text)) == found


@pytest.mark.parametrize("example", TEXTS["texts"], ids=itemgetter("text"))
def test_server_reads_text_as_page_does(room, person, speaker, example):
    for name in TEXTS["people"]:
        person(name)
    expected = {text.removeprefix("@") for kind, text in example["spans"] if kind == "mention"}
    assert set(named(say(speaker, room, example["text"]))) == expected


def test_a_new_name_is_matched(room, person, speaker):
    ada = person("Ada")
    rename(ada, "Countess")
    assert named(say(speaker, room, "@Ada @Countess")) == ["Countess"]


def test_mentions_of_a_message_are_limited(room, person, speaker, monkeypatch):
    monkeypatch.setattr(mentions, "MAX_MENTIONS", 2)
    monkeypatch.setattr(mentions, "MAX_PLACES", 4)
    for name in ("A", "B", "C"):
        person(name)
    assert named(say(speaker, room, "@C @C @B @A")) == ["B", "C"]
    assert named(say(speaker, room, "@x @x @x @x @A")) == []


@pytest.mark.parametrize(
    ("sign", "most"),
    [("`@a`\n", markup.MAX_LINES), ("`@\n", markup.MAX_LINES), ("@ ", mentions.MAX_AT_SIGNS)],
)
def test_signs_without_a_name_are_limited(room, person, speaker, sign, most):
    person("Ada")
    assert named(say(speaker, room, sign * (most - 1) + "@Ada")) == ["Ada"]
    assert named(say(speaker, room, sign * most + "@Ada")) == []


def test_first_authors_in_a_batch_can_be_mentioned(room, person, speaker):
    ada = person("Ada", where=None)
    texts = [(speaker, "@Ada"), (ada, "hi")]
    (message, _), _ = actions.write_all([NewMessage(author, room, text, uuid4()) for author, text in texts])
    assert named(message) == ["Ada"]


def test_the_migration_makes_existing_people_mentionable(transactional_db):
    executor = MigrationExecutor(connection)
    executor.migrate([("chat", "0006_room_list")])
    before = executor.loader.project_state([("chat", "0006_room_list")]).apps
    before.get_model("chat", "User").objects.create(username="ada", name="Adá")
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    ada, room = User.objects.get(), actions.open_room("lobby")
    say(ada, room, "hi")
    assert named(say(create_guest(), room, "@ADÁ")) == ["ADÁ"]


def test_punctuation_around_a_name_is_ignored(room, person, speaker):
    person("(Ada)")
    assert [named(say(speaker, room, text)) for text in ("@Ada!", "hi @(Ada)", "@Ada_x", "@Ada-b")] == [
        ["Ada"],
        ["(Ada"],
        [],
        [],
    ]


# Chosen people


def say_to(author, room, text, *chosen):
    (outcome,) = actions.write_all([NewMessage(author, room, text, uuid4(), chosen=chosen)])
    return [(mention.user_id, mention.name) for mention in outcome[0].mentions]


@pytest.fixture
def two_of_a_name(person):
    """Make a person who was renamed since, and the next person with that name."""
    former = person("Ada")
    rename(former, "Countess")
    other = person("Another")
    other.set_name("Ada", NameKeys.of("Ada"))
    other.save()
    return former, other


def test_a_chosen_person_is_mentioned_by_a_name_that_is_another_persons_by_now(room, speaker, two_of_a_name):
    former, other = two_of_a_name
    assert say_to(speaker, room, "@Ada, @Ada!") == [(other.pk, "Ada")]
    assert say_to(speaker, room, "@Ada, @Ada!", (former.pk, "Ada")) == [(former.pk, "Ada")]
    both = say_to(speaker, room, "@Countess, @ada", (former.pk, "Countess"))
    assert both == [(former.pk, "Countess"), (other.pk, "ada")]


def test_a_chosen_person_without_a_name_of_their_own_is_mentioned(room, person, speaker):
    ada = person("Ada")
    User.objects.filter(pk=ada.pk).update(name="!!", name_key=None)
    assert say_to(speaker, room, "hi @!!", (ada.pk, "!!")) == [(ada.pk, "!!")]


@pytest.mark.parametrize(
    "text", ["`@Ada`", "```\n@Ada\n```", "x@Ada", "@Adam", "@ada", "Ada", "https://a.b/@Ada"]
)
def test_a_chosen_name_counts_only_as_a_mention(room, speaker, two_of_a_name, text):
    former, _ = two_of_a_name
    assert former.pk not in dict(say_to(speaker, room, text, (former.pk, "Ada")))


def test_a_longer_name_that_was_typed_stands_before_a_chosen_one(room, person, speaker, two_of_a_name):
    former, _ = two_of_a_name
    lovelace = person("Ada Lovelace")
    text = "@Ada Lovelace and @Ada"
    mentioned = say_to(speaker, room, text, (former.pk, "Ada"))
    assert mentioned == [(former.pk, "Ada"), (lovelace.pk, "Ada Lovelace")]


def test_only_active_people_of_the_room_can_be_chosen(room, person, speaker):
    elsewhere = person("Elsewhere", where=actions.open_room("elsewhere"))
    gone = person("Gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    for chosen in (elsewhere.pk, gone.pk, speaker.pk, 2**53 - 1):
        assert say_to(speaker, room, "@X", (chosen, "X")) == []


# Readers


def make_member(person, room, role=Role.MEMBER):
    actions.mark_read({Member.of(person, room): 0})
    Membership.objects.filter(user=person, room=room).update(role=role)


def test_who_has_only_read_an_open_room_is_not_mentioned_there(room, person, speaker):
    """Otherwise a message would tell strangers who reads a room, by name or by number."""
    reader, helper = person("Reader", where=None), person("Helper", where=None)
    make_member(reader, room)
    make_member(helper, room, Role.MODERATOR)
    chosen = [(reader.pk, "Reader"), (helper.pk, "X"), (reader.pk, "Y")]
    assert say_to(speaker, room, "@Reader @X @Y", *chosen) == [(helper.pk, "X")]
    secret = create_private_room(speaker, "Choir")
    Membership.objects.create(user=reader, room=secret)
    assert say_to(speaker, secret, "@X", (reader.pk, "X")) == [(reader.pk, "X")]


async def test_a_reader_who_is_there_is_mentioned_and_stays_so_after_they_left(connect, guest):
    reader = await database_sync_to_async(create_guest)()
    speaker, there = await connect("lobby", user=guest), await connect("lobby", user=reader)
    await speaker.until_people(reader.name, guest.name)
    await there.send_command(type="read", seq=0, ref="read")
    await there.event("ack")
    chosen = {"message": "@X", "mentions": [{"id": reader.pk, "name": "X"}]}
    await speaker.send_command(type="send", client_id=str(uuid4()), **chosen)
    assert (await speaker.event("message"))["mentions"] == chosen["mentions"]
    await there.disconnect()
    await speaker.until_people(guest.name)
    await speaker.send_command(type="send", client_id=str(uuid4()), **chosen)
    assert (await speaker.event("message"))["mentions"] == []
    await speaker.send_command(type="edit", number=1, **chosen)
    assert (await speaker.event("message"))["mentions"] == chosen["mentions"]


# Cost


def queries_of(function):
    with CaptureQueriesContext(connection) as queries:
        function()
    return len(queries)


@pytest.mark.usefixtures("known_site_rules")
def test_a_message_without_a_mark_costs_nothing_and_a_batch_with_some_three_queries(room, person, speaker):
    ada = person("Ada")
    other = actions.open_room("other")

    def send(text, *chosen):
        entries = [NewMessage(speaker, each, text, uuid4(), chosen=chosen) for each in [room, other] * 10]
        actions.write_all(entries)

    plain = queries_of(lambda: send("hi"))
    assert queries_of(lambda: send("at last @ all")) == plain
    assert queries_of(lambda: send("hi @Ada @Nobody")) == plain + 3
    assert queries_of(lambda: send("hi @Ada @A", (ada.pk, "A"))) == plain + 3


def test_people_are_looked_up_in_the_rooms_whose_messages_name_them_only(room, person, speaker, monkeypatch):
    ada, bob, other = person("Ada"), person("Bob"), actions.open_room("other")
    found = set()
    monkeypatch.setattr(permissions, "with_access", lambda pairs: found.update(pairs) or pairs)
    entries = [
        NewMessage(speaker, room, "@Ada", uuid4()),
        NewMessage(speaker, other, "@X", uuid4(), chosen=[(bob.pk, "X")]),
    ]
    actions.write_all(entries)
    assert found == {(room.pk, ada.pk), (other.pk, bob.pk)}


def test_a_page_of_history_takes_one_query_more(room, person, speaker):
    person("Ada")
    plain = queries_of(lambda: history.page_before(room, None, 50))
    for number in range(5):
        say(speaker, room, f"@Ada {number}")
    assert queries_of(lambda: history.page_before(room, None, 50)) == plain + 1
    assert [len(each.mentions) for each in history.page_before(room, None, 50).messages] == [0] + [1] * 5


# On the wire


@pytest.fixture
def named_guest(guest):
    """Make a guest a moderator of the given rooms."""

    @database_sync_to_async
    def named_guest(name, *rooms):
        for room in rooms:
            make_member(guest, actions.open_room(room), Role.MODERATOR)
        return rename(guest, name)

    return named_guest


async def test_mentions_are_sent_live_later_and_when_sent_again(connect, named_guest, afresh):
    ada = await named_guest("Ada", "lobby")
    epoch = (await (await connect("lobby")).event("welcome"))["epoch"]
    author = await database_sync_to_async(create_guest)()
    speaker, plain = await connect("lobby", user=author), await connect("lobby", plain=True)
    client_id = await speaker.say("hi @ada")
    told = [{"id": ada.pk, "name": "ada"}]
    live = await speaker.event("message")
    assert live["mentions"] == (await plain.receive())["mentions"] == told
    assert (await (await connect("lobby", since=0, epoch=epoch)).event("message"))["mentions"] == told
    await speaker.say("hi @ada", client_id)
    assert await speaker.event("message") == live
    nobody = await connect("lobby")
    client_id = await nobody.say("@ada?")
    first = await nobody.event("message")
    await nobody.say("@ada?", client_id)
    assert await nobody.event("message") == first
    assert first["mentions"] == told
    assert [each["mentions"] for each in (await afresh("lobby")).messages.values()] == [told, told]


async def test_an_edit_updates_mentions_and_a_deletion_removes_them(connect, named_guest, afresh):
    ada = await named_guest("Ada", "lobby")
    speaker = await connect("lobby", user=await database_sync_to_async(create_guest)())
    for text, told in [("hi", []), ("@Ada", ["Ada"]), ("@ADA!", ["ADA"]), ("bye", []), ("@ada", ["ada"])]:
        if text == "hi":
            await speaker.say(text)
        else:
            await speaker.send_command(type="edit", number=1, message=text)
        event = await speaker.event("message")
        assert event["mentions"] == [{"id": ada.pk, "name": name} for name in told]
        assert (await afresh("lobby")).messages[1] == event
    await speaker.send_command(type="delete", number=1)
    assert (await speaker.event("message"))["mentions"] == []
    assert not await Mention.objects.aexists()


async def test_chosen_people_are_mentioned_by_messages_and_edits(connect, named_guest):
    ada = await named_guest("Ada", "lobby")
    await database_sync_to_async(rename)(ada, "Countess")
    speaker = await connect("lobby", user=await database_sync_to_async(create_guest)())
    chosen = {"mentions": [{"id": ada.pk, "name": "Ada"}]}
    await speaker.send_command(type="send", message="@Ada", client_id=str(uuid4()), **chosen)
    assert (await speaker.event("message"))["mentions"] == chosen["mentions"]
    for text, sent, told in [("hi @Ada", chosen, chosen["mentions"]), ("@Ada?", {}, [])]:
        await speaker.send_command(type="edit", number=1, message=text, **sent)
        assert (await speaker.event("message"))["mentions"] == told


@pytest.mark.parametrize(
    "mentions",
    [
        5,
        [5],
        [{"id": 1}],
        [{"id": 0, "name": "Ada"}],
        [{"id": "1", "name": "Ada"}],
        [{"id": 1, "name": ""}],
        [{"id": 1, "name": "a" * 33}],
        [{"id": 1, "name": "Ada"}] * 21,
    ],
)
async def test_a_list_of_chosen_people_is_validated(connect, guest, mentions):
    speaker = await connect("lobby", user=guest)
    for command in ({"type": "send", "client_id": str(uuid4())}, {"type": "edit", "number": 1}):
        await speaker.send_command(**command, message="@Ada", mentions=mentions)
        assert (await speaker.event("error"))["code"] == "bad_frame"


async def test_an_edit_keeps_existing_mentions(connect, named_guest):
    await named_guest("Ada", "lobby")
    speaker = await connect("lobby", user=await database_sync_to_async(create_guest)())
    await speaker.say("@Ada")
    await speaker.event("message")
    before = await Mention.objects.aget()
    await speaker.send_command(type="edit", number=1, message="@Ada, hi")
    await speaker.event("message")
    assert (await Mention.objects.aget()).pk == before.pk


async def test_unread_counts_include_mentions(connect, named_guest):
    ada = await named_guest("Ada", "lobby")
    elsewhere, speaker = await connect("elsewhere", user=ada), await connect("lobby")
    await elsewhere.until_mentioned()
    for text, counts in [("hi", {}), ("@Ada", {"lobby": 1}), ("@ada @Ada", {"lobby": 2})]:
        await speaker.say(text)
        if counts:
            await elsewhere.until_mentioned(**counts)
    await (await connect(path="/ws/me/", user=ada)).until_mentioned(lobby=2)
    reader = await connect("lobby", user=ada)
    await reader.send_command(type="read", seq=3)
    await elsewhere.until_unread()
    await speaker.say("hi")
    await elsewhere.until_unread(lobby=1)
    await (await connect(path="/ws/me/", user=ada)).until_mentioned()


async def test_mentions_of_edits_count_and_those_of_deleted_messages_do_not(connect, named_guest):
    ada = await named_guest("Ada", "lobby")
    elsewhere = await connect("elsewhere", user=ada)
    speaker = await connect("lobby", user=await database_sync_to_async(create_guest)())
    await speaker.say("hi")
    await elsewhere.until_unread(lobby=1)
    for text, counts in [("@Ada", {"lobby": 1}), ("oops", {}), ("@Ada", {"lobby": 1})]:
        await speaker.send_command(type="edit", number=1, message=text)
        await elsewhere.until_mentioned(**counts)
    await speaker.say("and more")
    await elsewhere.until_unread(lobby=2)
    await speaker.send_command(type="delete", number=1)
    await elsewhere.until_mentioned()


async def test_a_mention_counts_however_much_came_before_it(connect, named_guest, monkeypatch):
    monkeypatch.setattr("chat.queries.unread_counts.MAX_UNREAD", 3)
    ada = await named_guest("Ada", "lobby")
    speaker = await connect("lobby")
    for text in ("1", "2", "3", "4", "@Ada"):
        await speaker.say(text)
        await speaker.event("message")
    await (await connect("elsewhere", user=ada)).until_mentioned(lobby=1)


def test_letters_with_many_marks_are_not_looked_up(monkeypatch, transactional_db):
    """Sorting marks takes quadratic time."""
    looked_up = []

    def record(letters):
        looked_up.extend(letters)
        return letter_likenesses(letters)

    monkeypatch.setattr(mentions, "letter_likenesses", record)
    mentions.find_candidates([mentions.Draft(1, "@ab" + "\u0301" * 5 + "c @d" + "\u0301" * 4)])
    assert looked_up == ["a", "d" + "\u0301" * 4]
