"""Steps of visitors on the pages of accounts, and the e-mails that they cause."""

import asyncio
import re
from html.parser import HTMLParser
from itertools import count
from uuid import uuid4

from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.core import mail
from django.test import AsyncClient, Client

from accounts import actions as account_actions
from accounts.models import User
from accounts.workers import MailWorker
from chat import actions

PASSWORD = "correct horse battery"


def account(username="ada", email="ada@example.org"):
    """Create an account with a confirmed address."""
    user = account_actions.sign_up(account_actions.create_guest(), username, PASSWORD, email)
    User.objects.filter(pk=user.pk).update(confirmed_email=user.email)
    return user


def signed_in(username="ada"):
    client = Client()
    assert client.post("/me/sign-in/", {"username": username, "password": PASSWORD}).status_code == 302
    return client


def sign_up(client, username="ada", password=PASSWORD, again=None, **more):
    form = {"username": username, "password1": password, "password2": again or password} | more
    return client.post("/me/sign-up/", form)


async def signs_up(username="ada", email="ada@example.org"):
    client = AsyncClient()
    form = {"username": username, "password1": PASSWORD, "password2": PASSWORD, "email": email}
    assert (await client.post("/me/sign-up/", form)).status_code == 302
    return client


def me(client):
    """Return the user of a browser's session."""
    return User.objects.get(pk=client.session["_auth_user_id"])


def say(author, text="hi"):
    return actions.send(author, actions.open_room("lobby"), text, uuid4())[0]


def element(answer, id):
    """Return the tag with an id in a page."""
    (found,) = re.findall(rf'<[^<]*\bid="{id}"[^>]*>', answer.content.decode())
    return found


def unchanging(answer):
    """Return a page without its random parts and without the submitted values."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return answer.status_code, re.sub(r'name="username" value="\w+"', "", page)


async def page_of(client, path="/me/"):
    return (await client.get(path)).content.decode()


def links():
    """Return the links to the site in the only e-mail."""
    (letter,) = mail.outbox
    assert letter.to == ["ada@example.org"]
    return re.findall(r"http://127\.0\.0\.1:8000(/\S+/)$", letter.body, re.MULTILINE)


async def mailed():
    """Let a worker run the next task."""
    await work(await get_channel_layer("tasks").receive("mail"))


async def work(task):
    """Let a worker run a task to its end."""
    worker = MailWorker()
    await worker.dispatch(task)
    await asyncio.gather(*worker.pending)


async def forgotten(email, **headers):
    answer = await AsyncClient(headers=headers).post("/me/password/forgotten/", {"email": email})
    await mailed()
    return answer


async def confirmed(username="ada", email="ada@example.org"):
    """Create an account as `account` does, and confirm its address by e-mail."""
    user = await sync_to_async(account)(username, email)
    await get_channel_layer("tasks").receive("mail")
    return user


def reset(link):
    client = Client()
    page = client.get(link, follow=True)
    ((address, _),) = page.redirect_chain
    form = {"new_password1": "another horse", "new_password2": "another horse"}
    assert client.post(address, form | {"new_password2": "not that"}).status_code == 400
    assert client.post(address, form).headers["Location"] == "/me/sign-in/"
    answer = client.post("/me/sign-in/", {"username": "ada", "password": "another horse"})
    assert answer.headers["Location"] == "/me/"
    assert "no longer works" in Client().get(link).content.decode()  # it works once


addresses = (f"192.0.2.{n}" for n in count(1))  # Redis remembers those of other tests


class ClientAt(AsyncClient):
    """Browser at an address."""

    def __init__(self, address):
        super().__init__()
        self.address = address

    def _base_scope(self, **request):
        return super()._base_scope(**request) | {"client": [self.address, 0]}


async def try_once(address, path="sign-in", **form):
    form = {"username": "nobody", "password": "wrong"} | form
    answer = await ClientAt(address).post(f"/me/{path}/", form)
    return answer.status_code


class Fields(HTMLParser):
    """Fields of a page's form with their values, as a browser submits them."""

    def __init__(self, page):
        super().__init__()
        self.values, self._select = {}, ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        is_box = given.get("type") == "checkbox"
        is_sent = given.get("type") != "submit" and (not is_box or "checked" in given)
        if tag == "input" and "name" in given and is_sent:
            self.values.setdefault(given["name"], []).append(given.get("value", "on" if is_box else ""))
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and "selected" in given:
            self.values.setdefault(self._select, []).append(given["value"])


def open_form(client, path):
    """Open the page of a form. Return its fields, with lists of values."""
    return Fields(client.get(path).content.decode()).values
