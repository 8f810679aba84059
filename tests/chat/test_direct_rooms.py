"""Direct rooms of more than two people, through pages. Those of two are in `test_private_rooms`."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.db import connection
from django.test import Client

from accounts.actions import create_guest, delete_account, remove_account, rename
from accounts.models import User
from chat import actions
from chat.actions import members, rooms
from chat.models import Membership, Room
from chat.queries import room_list, unread_counts
from tests.chat.people import browser
from tests.chat.private_rooms import create, invite
from transcripts.actions import request_transcript

FORM = "/rooms/direct/new/"
SIGN_IN = {"username": "ada", "password": "correct horse 9 staple", "take": "on"}


def meet(*people):
    """Bring people together in a private room."""
    link = invite(client := browser(people[0]), create(client))
    for person in people[1:]:
        browser(person).post(link)


@pytest.fixture
def friends(transactional_db):
    people = [create_guest() for _person in range(4)]
    meet(*people)
    return people


def names_of(*people):
    return [person.name for person in people]


def open_room(person, *others, address=FORM):
    """Open a direct room by names. Return its address."""
    response = browser(person).post(address, {"name": names_of(*others)})
    assert response.status_code == 302, unescape(response.content.decode())
    return response.url


def refusal(client, names, address=FORM):
    """Return the error in the form."""
    page = client.post(address, {"name": names})
    assert page.status_code == 400
    return unescape(re.search(r'role="alert">(.*?)</p>', page.content.decode())[1])


def found(address):
    return Room.objects.get(key=address.split("/")[2])


def write(author, address):
    actions.send(author, found(address), "hello", uuid4())


def listed(person):
    return {each.title for each in unread_counts.count_for_people([person.pk])[person.pk]}


def test_the_same_people_find_the_same_room_in_any_order(friends):
    ada, bob, eve, dan = friends
    address = open_room(ada, bob, eve)
    assert open_room(ada, eve, bob) == open_room(bob, eve, ada) == open_room(eve, ada, bob, bob) == address
    spelled = [f" {bob.name.upper()} ", ada.name, "", eve.name]
    assert browser(ada).post(FORM, {"name": spelled}).url == address
    assert len({address, open_room(ada, bob), open_room(ada, bob, dan), open_room(ada, bob, eve, dan)}) == 4
    assert browser(dan).get(address).status_code == 404


def test_all_press_at_the_same_moment(friends):
    *people, _ = friends

    def press(person):
        try:
            others = names_of(*(each for each in people if each != person))
            return rooms.message_people(person, others).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as threads:
        assert len(set(threads.map(press, people * 3))) == 1


def test_the_title_is_the_present_names_of_the_others(friends):
    ada, bob, eve, _ = friends
    address = open_room(ada, bob, eve)
    write(ada, address)
    for person, others in ((ada, (bob, eve)), (bob, (ada, eve)), (eve, (ada, bob))):
        title = ", ".join(names_of(*others))
        assert title in listed(person)
        for page in (address, "/chat/", f"/rooms/?asked={others[1].name.split()[0]}", f"{address}people/"):
            assert title in browser(person).get(page).content.decode()
    rename(bob, "Bob the Second")
    assert f"<title>Bob the Second, {eve.name} ·" in browser(ada).get(address).content.decode()
    people = browser(ada).get(f"{address}people/").content.decode()
    assert re.findall(r'member__name">(.*?)(?: <|<)', people) == sorted(
        [ada.name, "Bob the Second", eve.name], key=str.lower
    )


def test_the_others_list_it_with_its_first_message_and_stay_asked_until_they_write(friends):
    ada, bob, eve, _ = friends
    title = f"{ada.name}, {eve.name}"
    address = open_room(ada, bob, eve)
    assert title not in listed(bob)
    write(ada, address)
    assert title in listed(bob)
    write(bob, address)
    asked = Membership.objects.filter(room=found(address), is_request=True)
    assert [each.user for each in asked] == [eve]


def test_nobody_opens_one_with_people_who_ignore_them_and_learns_who_does(friends):
    ada, bob, eve, _ = friends
    earlier = open_room(ada, bob)
    meeting = actions.open_room("meeting")
    actions.send(ada, meeting, "hello", uuid4())
    browser(bob).post(f"/people/{ada.pk}/ignore/", {"room": "meeting"})
    assert refusal(browser(ada), names_of(bob, eve)) == "One of these people can't be reached."
    assert not Membership.objects.filter(user=eve, room__kind="direct").exists()
    assert open_room(ada, bob) == earlier
    address = open_room(bob, ada, eve)
    assert open_room(ada, bob, eve) == address  # the one that they have by now


@pytest.mark.parametrize("who", ["nobody", "a stranger", "unanswered", "left", "deactivated stranger"])
def test_people_who_share_no_private_room_are_all_as_those_that_do_not_exist(friends, who):
    ada, bob, *_ = friends
    stranger = create_guest()
    actions.send(stranger, actions.open_room("meeting"), "hello", uuid4())
    if who == "unanswered":
        met = {"person": stranger.pk, "room": "meeting"}
        assert browser(ada).post("/rooms/direct/", met).status_code == 302
    elif who == "left":
        meet(ada, stranger)
        Membership.objects.filter(user=stranger).delete()
    elif who == "deactivated stranger":
        User.objects.filter(pk=stranger.pk).update(is_active=False)
    name = "Nobody Knows" if who == "nobody" else stranger.name
    error = f"“{name}” isn't in a private room with you. Check the spelling."
    assert refusal(browser(ada), [bob.name, name]) == error
    page = browser(ada).get(FORM).content.decode()
    assert f'<option value="{bob.name}">' in page and f'<option value="{name}">' not in page
    assert not Room.objects.filter(kind="direct", membership__user=bob).exists()


def test_a_person_who_has_answered_is_known(friends):
    ada, bob, *_ = friends
    stranger = create_guest()
    actions.send(stranger, actions.open_room("meeting"), "hello", uuid4())
    direct = browser(ada).post("/rooms/direct/", {"person": stranger.pk, "room": "meeting"}).url
    write(stranger, direct)
    open_room(ada, bob, stranger)


def test_it_has_at_most_eight_people(friends):
    people = friends + [create_guest() for _person in range(4)]
    meet(*people)
    assert refusal(browser(people[0]), []) == "Choose at least one person."
    assert refusal(browser(people[0]), names_of(people[0])) == "Choose at least one person."
    address = open_room(*people)
    one_more = create_guest()
    meet(people[0], one_more)
    too_many = "A direct room has at most 8 people."
    assert refusal(browser(people[0]), names_of(*people[1:], one_more)) == too_many
    assert too_many in browser(people[0]).get(f"{address}people/").content.decode()
    page = browser(people[0]).post(f"{address}people/", {"name": one_more.name})
    assert page.status_code == 400
    assert Room.objects.filter(kind="direct").count() == 1


def test_eight_people_with_the_longest_keys_have_a_room(transactional_db):
    people = set(range(2**63 - 8, 2**63))
    room = Room(key="~a", name="~a", kind="direct", people=Room.key_of_people(people))
    room.clean_fields(exclude=["search_keys", "title", "topic_line", "last_message_at", "archived_at"])
    room.save()
    assert Room.objects.get().person_keys == people


def test_eight_people_with_the_longest_names_have_a_title(transactional_db):
    people = [rename(create_guest(), f"{number}{'x' * 31}") for number in range(8)]
    meet(*people)
    room = found(open_room(*people))
    assert request_transcript(people[0], room).room_name == ", ".join(names_of(*people[1:]))[:64]


def test_adding_people_opens_another_room_and_keeps_the_old_one(friends):
    ada, bob, eve, dan = friends
    old = open_room(ada, bob)
    write(ada, old)
    wider = open_room(bob, eve, address=f"{old}people/")
    assert wider != old and open_room(ada, eve, bob) == wider
    assert browser(eve).get(old).status_code == 404
    assert "hello" not in browser(eve).get(wider).content.decode()
    assert open_room(eve, dan, address=f"{wider}people/") == open_room(dan, ada, bob, eve)
    for client in (browser(dan), browser(create_guest()), Client()):
        for method in (client.get, client.post):
            assert method(f"{old}people/").status_code == 404
            assert method(f"/chat/~{'a' * 22}/people/").status_code == 404
    private = create(browser(ada))
    assert browser(ada).get(f"/chat/{private}/people/").status_code == 404


def test_people_are_added_once_the_others_have_answered(friends):
    ada, bob, *_ = friends
    stranger = create_guest()
    actions.send(stranger, actions.open_room("meeting"), "hello", uuid4())
    direct = browser(ada).post("/rooms/direct/", {"person": stranger.pk, "room": "meeting"}).url
    wanted = f"{stranger.name} hasn't answered here yet."
    assert wanted in refusal(browser(ada), names_of(bob), f"{direct}people/")
    write(stranger, direct)
    open_room(ada, bob, address=f"{direct}people/")


def test_nobody_leaves_it(friends):
    ada, bob, eve, _ = friends
    address = open_room(ada, bob, eve)
    response = browser(bob).post(f"{address}leave/")
    assert (response.status_code, "You can mute it" in response.content.decode()) == (403, True)
    assert browser(bob).post(f"{address}involvement/", {"involvement": "none"}).status_code == 200
    assert open_room(ada, bob, eve) == address


@pytest.mark.parametrize("end", [delete_account, remove_account])
def test_it_stays_when_an_account_is_deleted(friends, end):
    ada, bob, eve, _ = friends
    address = open_room(eve, ada, bob)
    write(ada, address)
    end(eve)
    of_two = open_room(ada, bob)
    assert of_two != address
    for person, other in ((ada, bob), (bob, ada)):
        assert f"{other.name}, Somebody" in listed(person)
        assert "hello" in browser(person).get(address).content.decode()
    assert f"<title>{bob.name} ·" in browser(ada).get(of_two).content.decode()
    assert open_room(ada, bob, address=FORM) == of_two
    end(bob)
    assert "<title>Somebody ·" in browser(ada).get(address).content.decode()
    end(ada)
    assert not Room.objects.filter(kind="direct").exists()


@pytest.fixture
def account(friends):
    account = User.objects.create_user("ada", password=SIGN_IN["password"], name="Ada")
    meet(friends[0], account)
    meet(friends[1], account)
    return account


def sign_in(guest):
    assert browser(guest).post("/me/sign-in/", SIGN_IN).status_code == 302


def test_a_guest_who_signs_in_takes_the_room_of_the_same_others_along(friends, account):
    guest, bob, eve, _ = friends
    address = open_room(guest, bob, eve)
    write(guest, address)
    sign_in(guest)
    assert open_room(account, bob, eve) == address
    assert open_room(bob, account, eve) == address
    assert f"Ada, {eve.name}" in listed(bob)


@pytest.mark.parametrize("do_write", [True, False])
def test_strangers_do_not_take_a_friends_request_away(friends, account, do_write, monkeypatch):
    """Those who write nothing do not learn the account either; others do, and the person is asked."""
    monkeypatch.setattr(members, "MAX_NAMED", 100)
    monkeypatch.setattr(members, "MAX_TAKEN_REQUESTS", unread_counts.MAX_REQUESTS - 1)
    guest, bob, *_ = friends
    write(bob, address := open_room(bob, guest))
    for _stranger in range(unread_counts.MAX_REQUESTS):
        meet(guest, stranger := create_guest())
        theirs = open_room(stranger, guest)
        if do_write:
            write(stranger, theirs)
    page = browser(guest).get("/me/sign-in/").content.decode()
    named = page[page.index("to my account") : page.index("take-hint", page.index("to my account"))]
    assert (bob.name in named, stranger.name in named) == (True, do_write)
    sign_in(guest)
    assert Membership.objects.filter(user=account, room=found(address)).exists()
    assert bob.name in browser(account).get(address).content.decode()
    assert "Ada" in browser(bob).get(address).content.decode()
    assert ("Ada" in browser(stranger).get(theirs).content.decode()) == do_write


async def test_the_others_are_told_the_name_of_a_guest_who_signs_in(connect, friends, account):
    guest, bob, *_ = friends
    address = await database_sync_to_async(open_room)(guest, bob)
    await database_sync_to_async(write)(guest, address)
    page = await connect(path="/ws/me/", user=bob)
    await page.event("unread")
    await database_sync_to_async(sign_in)(guest)
    while "Ada" not in [each.get("title") for each in (await page.event("unread"))["rooms"]]:
        pass


def test_a_guest_who_signs_in_to_the_account_of_another_in_the_room_is_one_person_there(friends, account):
    guest, bob, eve, _ = friends
    of_three = open_room(guest, account, bob)
    write(guest, of_three)
    of_four = open_room(bob, guest, account, eve)
    sign_in(guest)
    assert not Membership.objects.get(user=account, room=found(of_three)).is_request
    assert bob.name in listed(account)
    assert open_room(account, bob) == of_three
    assert open_room(account, bob, eve) == of_four


def test_rooms_that_become_those_of_the_same_people_are_both_kept(friends, account):
    guest, bob, eve, _ = friends
    own, of_both = open_room(guest, bob, eve), open_room(bob, account, guest, eve)
    addresses = [own, of_both, open_room(bob, account, eve)]
    for address in addresses:
        write(bob, address)
    sign_in(guest)
    assert open_room(account, bob, eve) == addresses[2]
    page = browser(account).get("/chat/").content.decode()
    assert all(address in page for address in addresses)
    assert Membership.objects.filter(user=account, room__kind="direct").count() == 3


def test_a_visitor_without_a_session_has_nobody_to_message(transactional_db):
    client = Client()
    for page in (client.get(FORM), client.post(FORM, {"name": "Ada"})):
        assert (page.status_code, "nobody to add yet" in page.content.decode()) == (200, True)
    assert not User.objects.exists()


def test_the_search_fills_in_the_name(friends):
    ada, *_ = friends
    assert f"{FORM}?name=%3Cb%3E" in browser(ada).get("/rooms/?asked=<b>").content.decode()
    assert 'value="&lt;b&gt;"' in browser(ada).get(f"{FORM}?name=<b>").content.decode()


def test_a_search_compares_a_limited_number_of_names(friends, monkeypatch):
    ada, bob, eve, dan = friends
    bob = rename(bob, "Harvest")
    write(ada, open_room(ada, eve, dan))
    open_room(ada, bob)  # which has no message, and so comes after the other
    for most, titles in ((3, ["Harvest"]), (2, [])):
        monkeypatch.setattr(room_list, "MAX_DIRECT_CANDIDATES", most)
        assert [card.title for card in room_list.find_rooms(ada, "harvest").rooms] == titles
