"""Rate limits of the chat, by person and by address."""

import itertools
from datetime import timedelta
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient
from django.utils import timezone
from redis import Redis

from accounts.actions import create_guest
from accounts.models import User
from base import ratelimit
from base.ratelimit_bytes import UNIT
from base.ratelimit_keys import person_keys
from chat import actions
from chat.limits import get_text_limit
from chat.models import Message, Room
from push.limits import get_task_rate
from tests.chat.people import make_staff

addresses = (f"198.51.100.{n}" for n in itertools.count(1))


@pytest.fixture(autouse=True)
def nothing_is_counted_yet(settings):
    """Clear the counts: each test's database uses the same ids of people."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.flushdb()


@pytest.fixture(autouse=True)
async def what_the_server_pushes_is_closed_too():
    yield
    await get_task_rate().close()


@pytest.fixture
def address():
    """Return an unused address."""
    return next(addresses)


class Browser(AsyncClient):
    """Browser at an address, without cookies."""

    def __init__(self, address):
        super().__init__()
        self.address = address

    def _base_scope(self, **request):
        return super()._base_scope(**request) | {"client": [self.address, 0]}


async def newcomer(address):
    """Return the browser of a new guest."""
    browser = Browser(address)
    await browser.aforce_login(await sync_to_async(create_guest)())
    return browser


@pytest.fixture
async def lobby_room(database):
    return await sync_to_async(actions.open_room)("lobby")


# New guests


async def test_new_guests_of_an_address_are_limited_and_others_may_read(guest, lobby_room, settings, address):
    settings.GUESTS_PER_HOUR = 2
    await sync_to_async(actions.send)(guest, lobby_room, "<b>hi</b>", uuid4())
    browsers = [Browser(address) for _ in range(3)]
    answers = [await browser.get("/chat/lobby/") for browser in browsers]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Too many new guests from your network." in answers[2].content.decode()
    assert 0 < int(answers[2].headers["Retry-After"]) <= 3600
    assert "&lt;b&gt;hi&lt;/b&gt;" in answers[2].content.decode()
    assert (await browsers[2].get("/chat/")).status_code == 200
    assert (await browsers[0].get("/chat/other/")).status_code == 200  # earlier guests stay
    assert (await Browser(next(addresses)).get("/chat/lobby/")).status_code == 200
    assert await User.objects.acount() == 4


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/me/", {"name": "Ada"}),
        ("/me/name/", {"name": "Ada"}),
        ("/me/sign-up/", {"username": "a", "password1": "one two 3 4", "password2": "one two 3 4"}),
        ("/chat/lobby/involvement/", {"involvement": "all"}),
        ("/chat/lobby/export/", {}),
        ("/orders/", {"subject": "tea", "amount": "1", "currency": "EUR"}),
        ("/push/lobby/", {}),
    ],
)
async def test_forms_count_against_the_limit_of_guests(lobby_room, settings, address, path, said):
    settings.GUESTS_PER_HOUR = 1
    assert (await Browser(address).get("/chat/lobby/")).status_code == 200
    assert (await Browser(address).post(path, said)).status_code == 429
    assert await User.objects.acount() == 1


async def test_first_messages_count_against_the_limit_of_guests(connect, settings, address):
    settings.GUESTS_PER_HOUR = 2
    sockets = [await connect(plain=True, address=address) for _ in range(3)]
    for number, socket in enumerate(sockets[:2]):
        await socket.send_json_to({"message": f"hi {number}"})
        while (await socket.receive())["message"] != f"hi {number}":
            pass
    await sockets[2].send_json_to({"message": "one too many"})
    while "error" not in (told := await sockets[2].receive()):
        pass
    assert told["error"]["code"] == "rate_limited"
    assert await User.objects.acount() == 2
    await sockets[0].send_json_to({"message": "again"})  # a guest may continue
    while (await sockets[0].receive()).get("message") != "again":
        pass


# Changes


@pytest.mark.parametrize(
    ("path", "said", "code"),
    [
        ("/me/name/", {"name": "Ada"}, 200),
        ("/me/", {"name": "Ada"}, 302),
        ("/chat/lobby/involvement/", {"involvement": "all"}, 200),
        ("/chat/lobby/star/", {"place": "1"}, 200),
        ("/push/lobby/stop/", {}, 200),
    ],
)
async def test_changes_are_limited_by_person_and_address(lobby_room, settings, address, path, said, code):
    settings.CHANGES_PER_HOUR = 1
    browsers = [await newcomer(address) for _ in range(ratelimit.ADDRESS_MULTIPLE + 1)]
    said |= {"name": uuid4().hex[:20]} if "name" in said else {}
    assert [(await browsers[0].post(path, said)).status_code for _ in range(2)] == [code, 429]
    codes = [(await each.post(path, {**said, "name": uuid4().hex[:20]})).status_code for each in browsers[1:]]
    assert codes == [code] * (ratelimit.ADDRESS_MULTIPLE - 1) + [429]


async def test_those_against_whom_a_room_is_defended_do_not_use_up_its_limit(lobby_room, settings, address):
    """They may come from the same address, as a class does."""
    settings.CHANGES_PER_HOUR = 1
    staff = Browser(address)
    await staff.aforce_login(await sync_to_async(make_staff)())
    browsers = [await newcomer(address) for _ in range(ratelimit.ADDRESS_MULTIPLE + 1)]
    posted = [await each.post("/chat/lobby/involvement/", {"involvement": "all"}) for each in browsers]
    assert posted[-1].status_code == 429
    guest = await sync_to_async(create_guest)()
    silenced = await staff.post(f"/moderation/{guest.pk}/silence/", {"lifetime": "hour"})
    assert silenced.status_code == 302


# Tasks, rooms, messages


@pytest.mark.parametrize(
    ("path", "said", "code"),
    [
        ("/orders/", {"subject": "tea", "amount": "1", "currency": "EUR"}, 302),
        ("/push/lobby/", {}, 200),
        ("/chat/lobby/export/", {}, 303),
    ],
)
async def test_tasks_are_limited_by_address(lobby_room, settings, address, path, said, code):
    settings.TASKS_PER_HOUR = 1
    browsers = [await newcomer(address) for _ in range(ratelimit.ADDRESS_MULTIPLE + 1)]
    answers = [await browser.post(path, said) for browser in browsers]
    assert [answer.status_code for answer in answers] == [code] * ratelimit.ADDRESS_MULTIPLE + [429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 3600


async def test_new_rooms_are_limited_by_address(connect, settings, address):
    settings.ROOMS_PER_HOUR = 1
    for n in range(ratelimit.ADDRESS_MULTIPLE):
        guest = await sync_to_async(create_guest)()
        await (await connect(f"room {n}", user=guest, address=address)).event("welcome")
    refused = await connect("one too many", user=guest, address=address)
    assert await refused.close_code() == 4429
    assert await Room.objects.acount() == ratelimit.ADDRESS_MULTIPLE


async def test_tries_to_open_direct_rooms_are_limited(lobby_room, settings, address):
    settings.ROOMS_PER_HOUR = 1
    browser = await newcomer(address)
    answers = [await browser.post("/rooms/direct/new/", {"name": "Ada"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [400, 429]


async def test_one_person_leaves_reports_to_others_of_the_address(lobby_room, settings, address):
    settings.TRIES_PER_HOUR = 6
    author = await sync_to_async(create_guest)()
    message, _ = await sync_to_async(actions.send)(author, lobby_room, "insult", uuid4())
    codes = []
    for _person in range(4):
        browser, path = await newcomer(address), f"/chat/lobby/{message.number}/report/"
        codes.append([(await browser.post(path)).status_code for _ in range(3)])
    assert codes == [[302, 302, 429]] * 3 + [[429] * 3]


async def test_guests_leave_reports_to_accounts_at_their_address(lobby_room, settings, address, monkeypatch):
    settings.TRIES_PER_HOUR = 3
    monkeypatch.setattr(ratelimit, "ADDRESS_MULTIPLE", 2)
    author = await sync_to_async(create_guest)()
    message, _ = await sync_to_async(actions.send)(author, lobby_room, "insult", uuid4())
    codes, long_ago = {}, timezone.now() - timedelta(days=8)
    people = User.objects.exclude(pk=author.pk)
    for kind in ("guests", "new accounts", "accounts"):  # a new account costs no more than a guest
        browsers = [await newcomer(address) for _ in range(4)]
        await people.aupdate(is_guest=kind == "guests")
        if kind == "accounts":
            await people.aupdate(date_joined=long_ago)
        codes[kind] = [
            (await browser.post(f"/chat/lobby/{message.number}/report/")).status_code for browser in browsers
        ]
    assert codes == {
        "guests": [302, 302, 302, 429],
        "new accounts": [429] * 4,
        "accounts": [302, 302, 429, 429],
    }


async def test_messages_are_limited_by_address(connect, settings, address, monkeypatch):
    settings.CHAT_RATE = 0.1  # one in ten seconds
    monkeypatch.setattr(ratelimit, "ADDRESS_MULTIPLE_OF_MESSAGES", 2)
    guests = [await sync_to_async(create_guest)() for _ in range(3)]
    tabs = [await connect(user=guest, address=address) for guest in guests]
    for number, tab in enumerate(tabs[:2], start=1):
        await tab.say("hi")
        for _ in range(number):  # its own comes last
            await tab.event("message")
    await tabs[2].say("one too many")
    assert (await tabs[2].event("error"))["code"] == "rate_limited"
    assert await Message.objects.acount() == 2


# Text


async def write(keys, units):
    """Count text as if it were sent, up to 10 bytes before another unit."""
    for size in [UNIT] * units + [UNIT - 10]:
        await get_text_limit().hit(keys, size)


async def test_the_text_of_a_day_is_limited_by_its_bytes(connect, guest, settings, address):
    settings.TEXT_PER_DAY = 1
    tab = await connect(user=guest, address=address)
    sent = {"type": "send", "message": "hi all", "client_id": str(uuid4())}
    await tab.send_command(**sent)
    number = (await tab.event("message"))["number"]
    await write(person_keys(guest.pk, address), units=16)
    await tab.send_command(**sent)  # whose acknowledgement was lost
    assert (await tab.event("message"))["number"] == number
    for command in ({"type": "send", "client_id": str(uuid4())}, {"type": "edit", "number": number}):
        await tab.send_command(**command, message="四个汉字")  # 12 bytes
        error = await tab.event("error")
        assert (error["code"], error["detail"]) == ("rate_limited", "Too much text for one day.")
        assert 0 < error["retry_after"] <= 24 * 60 * 60
    await tab.send_command(type="delete", number=number)
    assert (await tab.event("message"))["deleted"]


async def test_reasons_count_twice_for_the_text_of_a_day(connect, guest, settings, address):
    settings.TEXT_PER_DAY = 1
    staff = await sync_to_async(make_staff)()
    author = await connect(user=guest, address=next(addresses))
    moderator = await connect(user=staff, address=address)
    await author.say("hi")
    number = (await moderator.event("message"))["number"]
    await write(person_keys(staff.pk, address), units=16)
    await moderator.send_command(type="delete", number=number, reason="两字")  # 6 bytes
    assert (await moderator.event("error"))["code"] == "rate_limited"
    await moderator.send_command(type="delete", number=number, reason="one")
    assert (await moderator.event("message"))["removed"] == "one"


async def test_the_text_of_a_day_is_limited_by_address(connect, guest, settings, address, monkeypatch):
    settings.TEXT_PER_DAY = 1
    monkeypatch.setattr(ratelimit, "ADDRESS_MULTIPLE_OF_MESSAGES", 2)
    for person, units in ((1001, 16), (1002, 15)):
        await write(person_keys(person, address), units)
    tab = await connect(user=guest, address=address)
    await tab.say("more than twenty bytes too many")
    assert (await tab.event("error"))["code"] == "rate_limited"
    elsewhere = await connect(user=guest, address=next(addresses))
    await elsewhere.say("hi")
    assert (await elsewhere.event("message"))["message"] == "hi"


async def test_redis_counts_whole_units_of_text(settings, address):
    settings.TEXT_PER_DAY = 1
    with Redis.from_url(settings.REDIS_URL) as redis:
        await write(person_keys(1001, address), units=0)
        assert redis.dbsize() == 0
        await get_text_limit().hit(person_keys(1001, address), 10)
        assert [redis.llen(key) for key in redis.scan_iter()] == [1, 1]  # of the person and the address
