"""Pages: the index, rooms, their history, and the visitor's name."""

import json
import re
from urllib.parse import quote
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.actions import create_guest
from accounts.models import User
from chat import actions
from chat.actions import Member
from chat.models import Room

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client():
    return Client()


def data(page, id="room-data"):
    (found,) = re.findall(rf'<script id="{id}" type="application/json">(.*?)</script>', page.content.decode())
    return json.loads(found)


def fill(name, count):
    room, author = actions.open_room(name), create_guest()
    for number in range(1, count + 1):
        actions.send(author, room, f"message {number}", uuid4())
    return room


@pytest.mark.parametrize(
    "asked", ["LOBBY", "Lobby", "lobby%20", "%EF%BC%AC%EF%BC%AF%EF%BC%A2%EF%BC%A2%EF%BC%B9"]
)
def test_a_room_has_one_address(client, asked):
    fill("lobby", 1)
    for page in ("", "1/"):
        answer = client.get(f"/chat/{asked}/{page}")
        assert (answer.status_code, answer.headers.get("Location")) == (302, f"/chat/lobby/{page}")
        assert client.get(f"/chat/lobby/{page}").status_code == 200


def numbers(messages):
    return [message["number"] for message in messages]


def test_a_guest_is_made_without_a_new_csrf_secret(client):
    strict = Client(enforce_csrf_checks=True)
    strict.get("/me/sign-in/")
    secret = strict.cookies["csrftoken"].value
    strict.get("/chat/csrf/")
    assert strict.cookies["csrftoken"].value == secret


@pytest.mark.parametrize("is_account", [True, False])
def test_forms_of_an_ended_session_are_not_posted_as_the_next_guest(is_account):
    strict = Client(enforce_csrf_checks=True)
    you = data(strict.get("/chat/csrf/"))["you"]["id"]
    if is_account:
        User.objects.filter(pk=you).update(is_guest=False)
    token = {"csrfmiddlewaretoken": strict.get("/csrf/").json()["token"]}
    if is_account:
        assert strict.post("/me/sign-out/", token).status_code == 302
    else:
        Session.objects.all().delete()
    guest = data(strict.get("/chat/csrf/"))["you"]
    assert guest["id"] != you
    assert strict.post("/me/name/", token | {"name": "Of another"}).status_code == 403
    assert User.objects.get(pk=guest["id"]).name == guest["name"]


def change_password(person):
    person.set_password("another")
    person.save()


ENDS = {
    "another password": change_password,
    "deactivation": lambda person: User.objects.filter(pk=person.pk).update(is_active=False),
    "expiry": lambda person: Session.objects.update(expire_date=timezone.now()),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("page", ["/me/sign-in/", "/chat/"])
def test_forms_of_a_session_that_ended_elsewhere_are_not_posted_as_the_next_guest(end, page):
    strict = Client(enforce_csrf_checks=True)
    you = data(strict.get("/chat/csrf/"))["you"]["id"]
    token = {"csrfmiddlewaretoken": strict.get("/csrf/").json()["token"]}
    end(User.objects.get(pk=you))
    shown = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', strict.get(page).content.decode())
    if shown:  # the page's own form works
        assert strict.post("/me/sign-in/", {"csrfmiddlewaretoken": shown[1]}).status_code == 400
    assert data(strict.get("/chat/csrf/"))["you"]["id"] != you
    assert strict.post("/me/name/", token | {"name": "Of another"}).status_code == 403


def test_a_fresh_csrf_token_has_its_user_and_creates_no_guest(client):
    strict = Client(enforce_csrf_checks=True)
    assert strict.get("/csrf/").json()["you"] is None
    assert not User.objects.exists()
    you = data(strict.get("/chat/csrf/"))["you"]["id"]
    fresh = strict.get("/csrf/").json()
    assert fresh["you"] == you
    answer = strict.post("/me/name/", {"name": "Fresh Token", "csrfmiddlewaretoken": fresh["token"]})
    assert answer.status_code == 200


def test_the_index_asks_the_tutorials_question(client):
    page = client.get("/chat/").content.decode()
    assert "Find or create a room" in page
    assert re.search(r'<input[^>]*id="room-name-input"[^>]* autofocus', page)
    assert 'id="room-name-submit"' in page
    assert client.get("/").headers["Location"] == "/chat/"


@pytest.mark.parametrize(
    ("asked", "address"),
    [
        ("lobby", "/chat/lobby/"),
        (" a-b c ", "/chat/a-b%20c/"),
        ("聊天室", "/chat/%E8%81%8A%E5%A4%A9%E5%AE%A4/"),
        ("50%?#", "/chat/50%25%3F%23/"),
    ],
)
def test_an_answer_leads_to_the_room(client, asked, address):
    assert client.get("/chat/", {"room": asked}).headers["Location"] == address
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("asked", ["", "a/b", "x" * 65, "<b>\x07"])
def test_an_invalid_name_gets_a_reason(client, asked):
    answer = client.get("/chat/", {"room": asked})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert "<b>" not in answer.content.decode()


@pytest.mark.parametrize("name", ["x" * 65, "a%2Fb", "a/b", "%07", "%20", "a%E2%80%AEb"])
def test_an_invalid_room_is_a_404_with_a_way_back(client, name):
    page = client.get(f"/chat/{name}/")
    assert page.status_code == 404
    assert 'href="/chat/"' in page.content.decode()


def test_any_other_address_is_a_404_with_a_way_back(client):
    page = client.get("/nothing/")
    assert page.status_code == 404
    assert 'href="/chat/"' in page.content.decode()


def test_a_page_changes_nothing_but_the_visitor(client):
    page = client.get("/chat/LOBBY/")
    assert data(page, "room-name") == "LOBBY"
    assert data(page) | {"you": None, "epoch": "", "seq": 0, "messages": []} == data(page) | {"you": None}
    assert not Room.objects.exists()


def test_a_room_keeps_the_first_spelling_of_its_name(client):
    actions.open_room("Lobby")
    assert data(client.get("/chat/LOBBY/", follow=True), "room-name") == "Lobby"


def test_a_page_opens_with_the_last_fifty_and_the_cursor(client):
    room = fill("lobby", 60)
    opened = data(client.get("/chat/lobby/"))
    assert numbers(opened["messages"]) == list(range(11, 61))
    assert (opened["seq"], opened["epoch"]) == (60, room.epoch)


def test_messages_are_data_and_not_markup(client):
    name = "</script><script>alert(1)</script>".replace("/", "")
    room = actions.open_room(name)
    actions.send(create_guest(), room, "</script><script>alert(2)</script>", uuid4())
    page = client.get("/chat/", {"room": name}, follow=True)
    assert data(page, "room-name") == name
    assert "<script>alert" not in page.content.decode()


def test_history_comes_in_pages(client):
    fill("lobby", 60)

    def page(**query):
        return numbers(client.get("/chat/lobby/messages/", query).json()["messages"])

    assert page() == list(range(11, 61))
    assert page(before=11, limit=5) == [6, 7, 8, 9, 10]
    assert page(before=1) == []
    assert page(limit=200) == list(range(1, 61))
    assert page(after=50) == list(range(51, 61))
    assert page(after=5, limit=3) == [6, 7, 8]
    assert page(after=60) == []


@pytest.mark.parametrize("direction", ["before", "after"])
def test_a_page_of_history_is_bounded_by_its_text(client, direction):
    room, ada = actions.open_room("lobby"), create_guest()
    for _ in range(30):
        actions.send(ada, room, "a" + "\x01" * 3999, uuid4())
    found, place, more = [], 10**9 if direction == "before" else 1, True
    while more:
        response = client.get("/chat/lobby/messages/", {direction: place, "limit": 200})
        assert len(response.content) < 300_000
        messages, more = response.json()["messages"], response.json()["more"]
        found += numbers(messages) if direction == "after" else numbers(messages)[::-1]
        place = found[-1]
    assert found == list(range(2, 31) if direction == "after" else range(30, 0, -1))
    opened = data(client.get("/chat/lobby/"))
    assert len(opened["messages"]) < 30 and not opened["is_start"]


def test_a_page_opens_at_a_message(client):
    fill("lobby", 120)
    opened = data(client.get("/chat/lobby/60/"))
    assert numbers(opened["messages"]) == list(range(36, 86))
    assert (opened["place"], opened["seq"], opened["is_start"], opened["is_end"]) == (60, 120, False, False)
    opened = data(client.get("/chat/lobby/2/"))
    assert numbers(opened["messages"]) == list(range(1, 28))
    assert (opened["is_start"], opened["is_end"]) == (True, False)
    opened = data(client.get("/chat/lobby/120/"))
    assert numbers(opened["messages"]) == list(range(96, 121))
    assert (opened["is_start"], opened["is_end"]) == (False, True)
    opened = data(client.get("/chat/lobby/"))
    assert (opened["place"], opened["is_start"], opened["is_end"]) == (None, False, True)


def test_a_deleted_message_has_an_address_and_a_change_has_none(client):
    room = fill("lobby", 3)
    author = User.objects.get(message__number=2)
    actions.delete(author, room, 2)
    assert data(client.get("/chat/lobby/2/"))["messages"][1]["deleted"]
    assert client.get("/chat/lobby/4/").status_code == 404  # the deletion took it


@pytest.mark.parametrize(
    "address", ["lobby/2", "lobby/0", "lobby/999999999999999", "nowhere/1", f"{'x' * 65}/1"]
)
def test_a_missing_message_is_a_404_with_a_way_back(client, address):
    fill("lobby", 1)
    page = client.get(f"/chat/{address}/")
    assert page.status_code == 404
    assert 'href="/chat/"' in page.content.decode()
    assert not Room.objects.filter(name="nowhere").exists()


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "before=0",
        "before=-1",
        "before=1e9",
        "before=²",
        "after=0",
        "before=5&after=1",
    ],
)
def test_an_invalid_page_of_history_gets_a_reason(client, query):
    fill("lobby", 1)
    answer = client.get(f"/chat/lobby/messages/?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_frame"


def test_a_room_lists_stored_client_ids(client):
    ada = create_guest()
    stored, elsewhere, nowhere = uuid4(), uuid4(), uuid4()
    actions.send(ada, actions.open_room("lobby"), "here", stored)
    actions.send(ada, actions.open_room("other"), "there", elsewhere)

    def ask(*client_ids):
        return client.get("/chat/lobby/stored/", {"client_id": client_ids})

    assert ask(stored, elsewhere, nowhere).json() == {"stored": [str(stored)]}
    assert ask().json() == {"stored": []}
    assert ask(*[stored] * 50).status_code == 200
    for refused in (ask(*[stored] * 51), ask(stored, "x")):
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_frame")
    assert client.get("/chat/nowhere/stored/").status_code == 404


def test_a_new_room_cannot_be_confused_with_another(client):
    answer = client.get("/chat/lob\u200bby/")
    assert answer.status_code == 404
    assert "Remove the invisible characters" in answer.content.decode()
    assert client.get("/chat/", {"room": "lob\u200bby"}, follow=True).status_code == 404
    assert not Room.objects.exists()


def test_existing_rooms_with_confusable_names_stay(client):
    Room.objects.create(key="lob\u200bby", name="lob\u200bby")
    assert client.get("/chat/lob\u200bby/").status_code == 200
    assert client.get("/chat/", {"room": "lob\u200bby"}, follow=True).status_code == 200


def test_the_history_of_no_room_is_not_found(client):
    for name in ("nowhere", "x" * 65):
        assert client.get(f"/chat/{name}/messages/").status_code == 404


def test_a_guest_keeps_the_name(client):
    you = data(client.get("/chat/lobby/"))["you"]
    assert you["guest"]
    assert data(client.get("/chat/other/"))["you"] == you
    assert data(Client().get("/chat/lobby/"))["you"]["id"] != you["id"]


def test_a_guest_takes_another_name(client):
    client.get("/chat/lobby/")
    assert client.post("/me/name/", {"name": " 王小明 "}).json() == {"name": "王小明"}
    assert data(client.get("/chat/lobby/"))["you"]["name"] == "王小明"
    refused = client.post("/me/name/", {"name": "x" * 33})
    assert refused.status_code == 400
    assert "32" in refused.json()["error"]["detail"]


def test_a_name_is_changed_from_our_pages_only():
    strict = Client(enforce_csrf_checks=True)
    strict.get("/chat/lobby/")
    assert strict.post("/me/name/", {"name": "Mallory"}).status_code == 403
    assert not User.objects.filter(name="Mallory").exists()


@pytest.mark.parametrize(
    ("method", "path"), [("post", "/chat/"), ("post", "/chat/lobby/"), ("get", "/me/name/")]
)
def test_pages_refuse_other_methods(client, method, path):
    assert getattr(client, method)(path).status_code == 405


def test_the_administration_site_shows_people_rooms_and_messages(client, django_user_model):
    fill("lobby", 2)
    client.force_login(django_user_model.objects.create_superuser("root", password="secret"))
    assert "message 2" in client.get("/admin/chat/message/").content.decode()
    assert "lobby" in client.get("/admin/chat/room/").content.decode()
    user = User.objects.filter(is_guest=True).get()
    assert user.name in client.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
    assert client.get("/admin/chat/message/add/").status_code == 403


def read_upto(client, room, seq):
    you = User.objects.get(pk=client.session["_auth_user_id"])
    actions.mark_read({Member.of(you, room): seq})


def test_a_page_has_the_read_position(client):
    room = fill("reading", 60)
    page = data(client.get("/chat/reading/"))
    assert (page["last_read"], page["read_at"], page["unread"]) == (None, None, 0)
    read_upto(client, room, 20)
    page = data(client.get("/chat/reading/"))
    assert (page["last_read"], page["unread"]) == (20, 40)
    assert numbers(page["messages"]) == list(range(11, 61))  # the last fifty hold all that is unread
    (read_at,) = [message["at"] for message in page["messages"] if message["number"] == 20]
    assert page["read_at"] == read_at
    assert data(client.get("/chat/reading/5/"))["last_read"] == 20


def test_a_page_opens_at_the_first_unread_message(client):
    room = fill("reading more", 120)
    client.get("/chat/reading more/")
    read_upto(client, room, 0)
    page = data(client.get("/chat/reading more/"))
    assert (page["last_read"], page["read_at"], page["unread"]) == (0, None, 100)
    assert (page["place"], page["is_start"], page["is_end"]) == (None, True, False)
    assert numbers(page["messages"]) == list(range(1, 27))


@pytest.mark.parametrize("space", ["  ", "\u00a0", "\u3000", " \u2003"])
async def test_spaces_in_an_address_are_ignored(connect, guest, space):
    room = await sync_to_async(actions.open_room)("a b")
    await sync_to_async(actions.send)(guest, room, "hi", uuid4())
    socket = await connect(f"a{space}b", user=guest)
    assert (await socket.event("welcome"))["room"] == "a b"
    client = Client()
    page = await sync_to_async(client.get)(f"/chat/{quote(f'a{space}b')}/", follow=True)
    page = page.content.decode()
    assert '<span id="room-title">a b</span></h1>' in page and '"message": "hi"' in page
    form = await sync_to_async(client.get)("/chat/", {"room": f" a{space}b "})
    assert form.headers["Location"] == "/chat/a%20b/"
    assert await Room.objects.acount() == 1


@pytest.mark.parametrize("here", [{}, {"here": "lobby"}])
def test_a_search_says_why_no_room_can_have_its_name(client, here):
    page = client.get("/rooms/", {"asked": "x" * 65, **here}).content.decode()
    assert "at most 64 characters; this one has 65" in page
    assert "create" not in page


def test_a_page_has_the_present_names_of_those_who_had_others(client):
    you = data(client.get("/chat/lobby/"))["you"]
    author, gone = User.objects.get(pk=you["id"]), create_guest()
    room = actions.open_room("lobby")
    for person in (author, gone):
        actions.send(person, room, "hi", uuid4())
    assert data(client.get("/chat/lobby/"))["names"] == {}
    client.post("/me/name/", {"name": "Another Name"})
    User.objects.filter(pk=gone.pk).update(name="Deleted", name_key=None)  # as a deleted account
    named = {str(author.pk): "Another Name"}
    assert data(client.get("/chat/lobby/"))["names"] == named
    answer = client.get("/chat/lobby/messages/").json()
    assert answer["names"] == named
    assert [each["author"]["name"] for each in answer["messages"]] == [you["name"], gone.name]


@pytest.mark.django_db
def test_every_way_to_sign_in_leads_back(client):
    page = client.get("/chat/").content.decode()
    assert set(re.findall(r'href="/me/sign-in/([^"]*)"', page)) <= {"?next=/chat/", "?next=%2Fchat%2F"}
    assert page.count("/me/sign-in/") > 1


def test_a_form_that_succeeded_redirects_to_the_start_page_if_the_next_address_is_too_long(client):
    answer = client.post("/language/", {"language": "zh-hans", "next": f"/{'字' * 600}"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert answer.cookies["django_language"].value == "zh-hans"
    assert client.get(f"/chat/lounge?{'a' * 5000}").status_code == 414
