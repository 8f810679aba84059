"""Room list of the index: its order, its search, and its cost."""

import re
import sys
from datetime import timedelta
from importlib import import_module
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.actions import create_guest, rename
from chat import actions
from chat.actions import Member
from chat.models import Membership, Message, Room
from chat.queries import room_list, unread_counts
from chat.room_search import MAX_READ, RoomMatcher, make_search_keys
from chat.templatetags import sidebar

pytestmark = pytest.mark.django_db(transaction=True)

NOBODY = AnonymousUser()


@pytest.fixture
def ada():
    return create_guest()


@pytest.fixture
def bob():
    return create_guest()


def say(author, name, text="hi"):
    return actions.send(author, actions.open_room(name), text, uuid4())[0]


def join(user, name):
    room = actions.open_room(name)
    actions.mark_read({Member.of(user, room): Room.objects.get(pk=room.pk).last_seq})


def names(cards):
    return [card.name for card in cards]


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("聊天室", "聊天"),
        ("聊天室", "LTS"),
        ("聊天室", "liao tian"),
        ("音乐", "yinyue"),  # a character with two readings
        ("重庆银行", "chongqingyinhang"),
        ("Lobby 聊天", "lobbylt"),
        ("book club", "BOOKCLUB"),
        ("Straße", "strasse"),
        ("重庆音乐调查会", "chongqing"),
        ("重庆音乐调查会", "yinyuediaocha"),
        ("重庆音乐调查会", "cqyydch"),
        ("人参交流", "renshen"),
        ("女生", "nüsheng"),
        ("女生", "nvsheng"),
        ("女生", "nusheng"),
        ("吕布", "lüb"),
        ("重庆", "chóng qìng"),
        ("重庆", "重慶"),
        ("聊天室", "聊天"),
        ("後臺", "houtai"),
        ("后台", "後臺"),
        ("乾隆", "qianlong"),
        ("行重乐长" * 16, "xingchongyuezhang" * 16),
        ("Lobby 聊天", "y聊t"),
        ("İstanbul", "istanbul"),
        ("istanbul", "İSTANBUL"),
        ("Iğdır", "igdir"),
        ("Café", "cafe"),
        ("cafe", "Café"),
        ("Łódź", "lodz"),
        ("カタカナ", "かたかな"),
        ("ひらがな", "ヒラ"),
        ("ﾊﾝｶｸ", "はん"),
        ("김치", "김치"),
        ("50%_聊天", "%_lt"),
        ("西安", "xi'an"),
        ("西安", "Xi’an"),
        ("西安", "xi-an"),
        ("A-天安门", "a-tian'an"),
        ("rock'n'roll", "k'n'r"),
        ("-", "-"),
    ],
)
def test_a_search_finds_a_room(ada, name, typed):
    say(ada, name)
    say(ada, "another")
    assert names(room_list.find_rooms(NOBODY, typed).rooms) == [name]


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("重庆", "ongqing"),
        ("重庆", "chongxqing"),
        ("重庆", "qingchong"),
        ("聊天室", "lsh"),
        ("l-t-s", "lts"),
        ("聊天室", "'"),
    ],
)
def test_a_search_does_not_find_similar_names(ada, name, typed):
    say(ada, name)
    assert not room_list.find_rooms(NOBODY, typed).rooms


def test_names_that_a_search_equates_are_different_rooms(ada):
    say(ada, "cafe")
    say(ada, "Café")
    assert sorted(names(room_list.find_rooms(NOBODY, "CAFE").rooms)) == ["Café", "cafe"]


def test_a_search_takes_few_queries(ada):
    say(ada, "聊天室")
    join(ada, "聊天室")
    now = timezone.now()
    many = [f"All tests {n}" for n in range(2000)]
    Room.objects.bulk_create(
        Room(key=n, name=n, search_keys=make_search_keys(n), last_message_at=now) for n in many
    )
    with CaptureQueriesContext(connection) as queries:
        assert names(room_list.find_rooms(ada, "lts").rooms) == ["聊天室"]
    assert len(queries) <= 5


def test_a_search_finds_names_that_begin_with_it_first(ada, bob, monkeypatch):
    monkeypatch.setattr(room_list, "MAX_FOUND_ROOMS", 4)
    for name in ("dev", "Dev-tools-2", "dev-tools", "no dev here", "新的", "nothing"):
        say(bob, name)
    join(ada, "dev-tools")
    say(bob, "dev-tools")
    found = room_list.find_rooms(ada, " DEV ")
    assert names(found.rooms) == ["dev", "dev-tools", "Dev-tools-2", "no dev here"]
    assert [card.unread for card in found.rooms] == [0, 1, 0, 0]
    assert (found.has_exact, found.asked) == (True, "DEV")
    assert names(room_list.find_rooms(ada, "xd").rooms) == ["新的"]


def test_a_search_finds_the_exact_name_among_many(ada, monkeypatch):
    monkeypatch.setattr(room_list, "MAX_CANDIDATES", 1)
    for name in ("Ops19", "ops19-secret-party"):
        say(ada, name)
    assert names(room_list.find_rooms(NOBODY, " ops19 ").rooms) == ["Ops19", "ops19-secret-party"]


def test_a_search_reads_a_bounded_part_of_all_readings():
    """Anyone may make rooms with long names of many readings, which everybody's searches would read."""
    dear, usual = make_search_keys("行重乐长和" * 12), make_search_keys("行重乐长和")
    matcher = RoomMatcher("hang")
    most = MAX_READ // len(dear.partition("\n")[2])
    assert [matcher.matches(dear) for _ in range(1000)] == [True] * most + [False] * (1000 - most)
    assert most < 300
    matcher = RoomMatcher("hang")
    assert all(matcher.matches(usual) for _ in range(1000))


def test_a_search_finds_own_silent_rooms_last(ada, bob):
    for name in ("run silent", "run of others"):
        actions.open_room(name)
    join(ada, "run silent")
    say(bob, "running")
    assert names(room_list.find_rooms(ada, "run").rooms) == ["running", "run silent"]
    found = room_list.find_rooms(ada, "run of others")
    assert (names(found.rooms), found.has_exact) == (["run of others"], True)


@pytest.mark.parametrize(
    ("name", "typed", "similar"),
    [
        ("engineering", "enginering", True),
        ("engineering", "Engineerings", True),
        ("engineering", "engneering", True),
        ("engineering", "enigneering", True),
        ("engineering", "engineerinf", True),
        ("engineering", "egnineernig", False),
        ("dev-tools", "Dev Tools", True),
        ("dev-tools", "dev-too", False),  # found
        ("dev-tools", "devtool", True),
        ("room_1", "room_2", False),
        ("room", "room2", False),
        ("dev", "def", False),
        ("général", "genaral", True),
        ("聊天大厅", "聊天大庭", True),
    ],
)
def test_a_mistyped_name_is_similar_to_a_room(ada, name, typed, similar):
    say(ada, name)
    say(ada, "elsewhere")
    found = room_list.find_rooms(NOBODY, typed).similar
    assert [room.name for room in found] == ([name] if similar else [])


@pytest.mark.parametrize(
    ("asked", "shown", "hidden"),
    [
        ("run", ["running", "Create “<bdi>run</bdi>”", "/chat/run/"], ["Did you mean"]),
        ("running", ["running"], ["Create"]),
        ("runing", ["Did you mean <bdi>running</bdi>?", "Create “<bdi>runing</bdi>”"], []),
        ("<b>", ["Create “<bdi>&lt;b&gt;</bdi>”", "/chat/%3Cb%3E/"], ["<b>"]),
        ("a/b", ["can&#x27;t contain “/”"], ["Create", "listbox"]),
    ],
)
def test_the_last_result_makes_a_room(ada, asked, shown, hidden):
    say(ada, "running")
    page = Client().get("/rooms/", {"asked": asked}).content.decode()
    assert all(text in page for text in shown)
    assert not any(text in page for text in hidden)


def test_a_search_takes_few_steps(ada):
    """Each character of these names may continue the search text from each of its letters."""
    now, some = timezone.now(), [f"X{'啊' * 58}不 {n}" for n in range(200)]
    Room.objects.bulk_create(
        Room(key=n, name=n, search_keys=make_search_keys(n), last_message_at=now) for n in some
    )
    comparisons = 0

    def count(frame, event, called):
        nonlocal comparisons
        comparisons += event == "c_call" and called.__name__ == "startswith"

    sys.setprofile(count)
    try:
        assert not room_list.find_rooms(NOBODY, "a" * 30 + "u").rooms
    finally:
        sys.setprofile(None)
    assert comparisons < 10_000


@given(
    st.text("ab", min_size=1, max_size=6),
    st.lists(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=3), max_size=6),
)
def test_consecutive_characters_match_their_readings(asked, characters):
    def is_read(rest, following):
        if not following:
            return False
        typed = following[0]
        return any(
            each.startswith(rest) or (rest.startswith(each) and is_read(rest[len(each) :], following[1:]))
            for each in typed
        )

    expected = any(is_read(asked, characters[start:]) for start in range(len(characters)))
    make_search_keys = "\n" + " ".join("/".join(typed) for typed in characters)
    assert RoomMatcher(asked).matches(make_search_keys) == expected


def test_search_keys_of_a_long_name_are_short():
    assert len(make_search_keys("行重乐长和" * 12)) < 2500


def test_own_rooms_come_first_each_list_by_last_message(ada, bob):
    for name in ("one", "two", "three", "four"):
        say(bob, name)
    join(ada, "two")
    join(ada, "one")
    join(ada, "silent")
    join(bob, "four")
    actions.open_room("nobody's")
    say(bob, "two", "news")
    say(bob, "three", "news")
    mine, others, _ = room_list.list_rooms(ada)
    assert names(mine) == ["two", "one", "silent"]
    assert [card.unread for card in mine] == [1, 0, 0]
    assert names(others) == ["three", "four"]
    assert names(room_list.list_rooms(NOBODY).others) == ["three", "two", "four", "one"]


def test_messages_move_a_room_to_the_front_and_changes_do_not(ada, monkeypatch):
    monkeypatch.setattr(room_list, "MAX_OTHER_ROOMS", 1)
    for days, name in enumerate(("new", "old")):
        message = say(ada, name)
        Room.objects.filter(name=name).update(last_message_at=timezone.now() - timedelta(days=1 + days))
    actions.edit(ada, message.room, message.number, "changed")
    assert names(room_list.list_rooms(NOBODY).others) == ["new"]
    say(ada, "old")
    assert names(room_list.list_rooms(NOBODY).others) == ["old"]


def test_a_room_shows_its_last_message_that_is_not_deleted(ada):
    say(ada, "lobby", "first")
    last = say(ada, "lobby", "second")
    actions.delete(ada, last.room, last.number)
    (card,) = room_list.list_rooms(NOBODY).others
    assert (card.last.author_name, card.last.preview) == (ada.name, "first")


def test_a_room_shows_the_present_name_of_its_last_author(ada):
    say(ada, "lobby", "first")
    rename(ada, "Countess")
    (card,) = room_list.list_rooms(NOBODY).others
    assert card.last.author_name == "Countess"


@pytest.mark.parametrize(("typed", "found"), [("%", ["50%"]), ("_", []), ("\\", []), ("", [])])
def test_a_search_text_is_not_a_pattern(ada, typed, found):
    say(ada, "50%")
    say(ada, "a-b")
    assert sorted(names(room_list.find_rooms(NOBODY, typed).rooms)) == found


def test_a_long_list_ends_and_still_takes_five_queries(ada, bob, monkeypatch):
    monkeypatch.setattr(room_list, "MAX_OTHER_ROOMS", 3)
    monkeypatch.setattr(unread_counts, "MAX_ROOMS", 3)
    for number in range(10):
        say(bob, f"room {number}")
        if number % 2:
            join(ada, f"room {number}")
    with CaptureQueriesContext(connection) as queries:
        mine, others, _ = room_list.list_rooms(ada)
    assert (len(mine), len(others), len(queries)) == (3, 3, 5)


@pytest.mark.usefixtures("known_site_rules")
def test_the_list_of_a_member_of_500_rooms_is_bounded(ada, bob):
    Room.objects.bulk_create(
        Room(key=n, name=n, search_keys=make_search_keys(n), last_message_at=timezone.now(), last_seq=2)
        for n in (f"room {number}" for number in range(700))
    )
    rooms = list(Room.objects.order_by("pk"))
    Membership.objects.bulk_create(Membership(user=ada, room=room) for room in rooms[:500])
    values = {"author": bob, "author_name": bob.name, "text": "hi"}
    Message.objects.bulk_create(
        Message(room=room, number=n, seq=n, **values) for room in rooms[400:500] for n in range(1, 3)
    )
    client = Client()
    client.force_login(ada)
    client.get("/chat/")  # renews the session, once a day
    for path, most, lists, queries in (
        ("/chat/", 240, 2, 9),
        ("/chat/room 7/", 121, 1, 10),
    ):  # whom they ignore
        with CaptureQueriesContext(connection) as asked:
            page = client.get(path).content.decode()
        assert page.count('data-room="room ') <= most and page.count('data-unread="2"') == 100 * lists
        assert len(asked) <= queries
    assert len(room_list.find_rooms(ada, "room").rooms) == room_list.MAX_FOUND_ROOMS


def test_the_page_and_the_fetched_list_are_the_same(ada, bob):
    say(bob, "<b>聊天室", "<i>hi")
    join(ada, "<b>聊天室")
    say(bob, "<b>聊天室", "<i>news")
    client = Client()
    client.force_login(ada)
    for path in ("/chat/", "/rooms/?asked=lts", "/rooms/", "/rooms/?here=lobby", "/chat/lobby/"):
        page = client.get(path).content.decode()
        assert "&lt;b&gt;聊天室" in page and "<i>" not in page
        assert 'data-unread="1"' in page


def test_the_page_counts_unread_mentions(ada, bob):
    rename(ada, "Ada")
    say(ada, "lobby", "hi")
    join(ada, "lobby")
    client = Client()
    client.force_login(ada)
    for text, mentions, label in [
        ("hi", 0, "1 unread"),
        ("@Ada", 1, "2 unread, 1 mention"),
        ("@Ada", 2, "3 unread, 2 mentions"),
    ]:
        say(bob, "lobby", text)
        for path in ("/chat/", "/rooms/?here=elsewhere"):
            page = client.get(path).content.decode()
            assert f'data-mentions="{mentions}"' in page
            assert ("unread-badge--mention" in page) == bool(mentions)
            assert any(line.endswith(label) for line in re.sub("<[^>]*>", "", page).splitlines())


def test_the_open_room_can_be_muted_and_left_before_one_has_read_there(bob):
    say(bob, "lobby")
    for path in ("/chat/lobby/", "/rooms/?here=lobby"):
        page = Client().get(path).content.decode()
        assert re.search('data-room="lobby"[^>]*data-involvement="mentions"', page)


@pytest.mark.parametrize("here", ["a\nb", "a\x85b", "a\u2028b", "x" * 7000, "", " ", ".."])
def test_a_room_that_cannot_be_is_not_the_open_one(bob, here):
    say(bob, "lobby")
    shown = Client().get("/rooms/", {"here": here})
    assert shown.status_code == 200
    assert re.findall('data-room="([^"]*)"', shown.content.decode()) == ["lobby"]


def test_texts_of_clients_take_no_memory(bob):
    """Rows of rooms are cached, but not that of the open room, which need not exist."""
    say(bob, "lobby")
    client = Client()
    client.get("/rooms/?here=elsewhere")
    before = sidebar._render_once.cache_info().currsize
    for number in range(3):
        assert f"no such room {number}" in client.get(f"/rooms/?here=no such room {number}").content.decode()
    assert sidebar._render_once.cache_info().currsize == before


@pytest.mark.parametrize("here", [1, 2])
def test_a_card_says_how_many_are_online(here):
    card = room_list.RoomCard("lobby", 0, 0, None, here)
    assert f"{here} online" in render_to_string("chat/card.html", {"room": card})


def test_the_first_visitor_is_asked_to_be_the_first():
    assert "No rooms yet" in Client().get("/chat/").content.decode()


def test_rooms_whose_names_differ_in_spaces_are_one_or_both_are_reachable(monkeypatch):
    monkeypatch.setattr(import_module("chat.migrations.0019_one_space_in_rooms"), "MOST_AT_ONCE", 2)
    executor = MigrationExecutor(connection)
    before = executor.migrate([("chat", "0018_spell_rooms_again")]).apps
    room, message = before.get_model("chat", "Room").objects, before.get_model("chat", "Message").objects
    author = before.get_model("chat", "User").objects.create(username="ada")
    for name in (
        "a b",
        "a  b",
        "A   B",
        "c  d",
        "e\u1680f",
        "g h",
        "g h (2)",
        "g  h",
        "x  " + "x" * 61,
        "x " + "x" * 61,
    ):
        one = room.create(
            key=name.casefold(), name=name, spellings=make_search_keys(name), said_at=timezone.now()
        )
        message.create(room=one, number=1, seq=1, author=author, author_name="Ada", text=name)
    executor.loader.build_graph()
    executor.migrate(executor.loader.graph.leaf_nodes())
    found = {}
    for name in Room.objects.values_list("name", flat=True):
        (only,) = Client().get(f"/chat/{quote(name)}/messages/").json()["messages"]
        found[name] = only["message"]
        assert name in names(room_list.find_rooms(NOBODY, name).rooms)
    assert found == {
        **{"a b": "a b", "a b (2)": "a  b", "A B (3)": "A   B", "c d": "c  d", "e f": "e\u1680f"},
        **{"g h": "g h", "g h (2)": "g h (2)", "g h (3)": "g  h"},
        **{"x " + "x" * 61: "x " + "x" * 61, "x " + "x" * 58 + " (2)": "x  " + "x" * 61},
    }


def test_the_migration_makes_existing_rooms_searchable():
    executor = MigrationExecutor(connection)
    executor.migrate([("chat", "0005_membership")])
    before = executor.loader.project_state([("chat", "0005_membership")]).apps
    room = before.get_model("chat", "Room").objects.create(key="聊天室", name="聊天室")
    author = before.get_model("chat", "User").objects.create(username="ada")
    before.get_model("chat", "Message").objects.create(
        room=room, number=1, seq=1, author=author, author_name="Ada", text="hi"
    )
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert names(room_list.find_rooms(NOBODY, "lts").rooms) == ["聊天室"]
