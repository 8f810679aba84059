"""Languages of pages, sockets and emails: the chosen one, or the browser's."""

import asyncio
import re

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.core import mail
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.utils import translation

from accounts import actions
from accounts.models import User
from accounts.workers import MailWorker
from tests.chat.test_pages import data
from tests.sockets import session_of

pytestmark = pytest.mark.django_db(transaction=True)

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
TITLE = {"en": "Find or create a room", "zh-hans": "查找或新建聊天室"}


def title(answer: HttpResponse) -> str:
    (found,) = re.findall(r"<h1[^>]*>([^<]*)</h1>", answer.content.decode())
    return found


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "en"),
        ({"Accept-Language": "fr, en;q=0.5"}, "en"),
        (CHINESE, "zh-hans"),
        ({"Accept-Language": "zh-TW"}, "zh-hans"),
    ],
)
def test_a_page_is_in_the_language_that_the_browser_asks_for(headers, language):
    answer = Client().get("/chat/", headers=headers)
    assert title(answer) == TITLE[language]
    assert f'<html lang="{language}">' in answer.content.decode()
    assert {"Accept-Language", "Cookie"} <= set(answer.headers["Vary"].split(", "))


def test_a_chosen_language_is_kept():
    client = Client(enforce_csrf_checks=True)
    page = client.get("/chat/", headers=CHINESE).content.decode()
    (choice,) = re.findall(r'<button[^>]* name="language" value="([^"]*)" lang="en">English<', page)
    page = {"Referer": "http://testserver/me/?next=/chat/"}
    answer = client.post("/language/", {"language": choice}, headers=CHINESE | page)
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://testserver/me/?next=/chat/")
    assert answer.cookies["django_language"]["max-age"] > 0
    assert title(client.get("/chat/", headers=CHINESE)) == TITLE["en"]
    assert 'lang="zh-hans">简体中文<' in client.get("/chat/").content.decode()


def test_the_choice_does_not_redirect_to_other_sites():
    answer = Client().post("/language/", {"language": "zh-hans", "next": "https://elsewhere.example/"})
    assert answer.headers["Location"] == "/"


def test_english_loads_no_translations():
    assert "base/translations/" not in Client().get("/chat/").content.decode()
    assert "base/translations/zh-hans" in Client().get("/chat/", headers=CHINESE).content.decode()


@pytest.mark.parametrize("path", ["/nothing/", "/chat/a%2Fb/", "/offline/"])
def test_error_pages_are_translated(path):
    assert re.search(r"\w", title(Client().get(path)), re.ASCII)
    assert not re.search(r"\w", title(Client().get(path, headers=CHINESE)), re.ASCII)


def test_each_language_has_its_own_service_worker():
    english, chinese = (Client().get("/sw.js", headers=headers) for headers in ({}, CHINESE))
    assert english.content != chinese.content


def test_json_errors_are_translated():
    client = Client(headers=CHINESE)
    refused = client.post("/me/name/", {"name": "Admin"})
    assert refused.json()["error"]["detail"] == "不能使用这个昵称，请换一个。"


def test_a_guest_keeps_a_generated_name_of_the_language():
    client = Client()
    page = client.get("/chat/lobby/", headers=CHINESE).content.decode()
    (name,) = re.findall(r'class="display-name__text">([^<]*)<', page)
    assert re.fullmatch(r"[\u4e00-\u9fff]+的[\u4e00-\u9fff]+( \d+)?", name)
    assert name in client.get("/chat/lobby/", headers={"Accept-Language": "en"}).content.decode()


async def test_socket_errors_are_translated(connect, guest):
    """Each in its own language, although messages of several people are stored together."""
    headers = [(b"accept-language", b"zh-CN")]
    chinese, english = await connect(user=guest, headers=headers), await connect(user=guest)
    for socket, detail in [(chinese, "消息不能为空。"), (english, "A message can't be empty.")]:
        await socket.say(" ")
        assert (await socket.event("error"))["detail"] == detail


@pytest.mark.parametrize("frame", [r'{"type": "send", "message": "\ud800"}', "\ud800", "hello", "{}"])
async def test_frame_that_cannot_be_read_is_refused_in_plain_words(connect, guest, frame):
    socket = await connect(user=guest, headers=[(b"accept-language", b"zh-CN")])
    await socket.send_frame(frame)
    error = await socket.event("error")
    assert (error["code"], error["detail"]) == ("bad_frame", "消息格式不正确。")
    assert error["reason"].isascii()


async def test_the_chosen_language_overrides_the_browsers(connect, guest):
    ((_, session),) = await sync_to_async(session_of)(guest)
    cookie = session + b"; django_language=zh-hans"
    socket = await connect(headers=[(b"cookie", cookie), (b"accept-language", b"en")])
    await socket.say(" ")
    assert (await socket.event("error"))["detail"] == "消息不能为空。"


@pytest.mark.parametrize(
    ("named", "detail"), [("zh-hans", "消息不能为空。"), ("fr", "A message can't be empty.")]
)
async def test_a_socket_has_the_language_of_its_page(connect, guest, named, detail):
    """Another language may have been chosen in another tab since the page was opened."""
    socket = await connect(user=guest, headers=[(b"accept-language", b"en")], language=named)
    await socket.say(" ")
    assert (await socket.event("error"))["detail"] == detail


async def test_an_email_is_in_the_language_of_its_request(database):
    guest = await sync_to_async(actions.create_guest)()
    await sync_to_async(actions.sign_up)(guest, "ada", "correct horse", "ada@example.org")
    await sync_to_async(User.objects.update)(confirmed_email="ada@example.org")
    asked = {"email": "ada@example.org"}
    await AsyncClient().post("/me/password/forgotten/", asked, headers=CHINESE)
    task = {"type": ""}
    while task["type"] != "mail.reset":  # earlier tests may have left others
        task = await get_channel_layer("tasks").receive("mail")
    with translation.override("en"):
        await (worker := MailWorker()).dispatch(task)
        await asyncio.gather(*worker.pending)
    (letter,) = mail.outbox
    assert letter.subject == "重设你的 Lobby 密码"
    assert "三天内有效" in letter.body


@pytest.mark.parametrize(("headers", "name"), [({}, "party popper"), (CHINESE, "拉炮彩带")])
def test_emoji_names_are_translated(headers, name):
    client = Client(headers=headers)
    address = data(client.get("/chat/lobby/"))["emoji"]
    assert client.get(address).json()["names"]["🎉"][0] == name
    assert client.get(address.replace("zh-hans", "en")).json()["names"]["🎉"][0] == "party popper"
