"""Snapshot of a database as people see it through pages and sockets, to compare it after an upgrade."""

import asyncio
import json
import re
from contextlib import asynccontextmanager
from html import unescape
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urlencode
from urllib.request import Request, urlopen

from websockets.asyncio.client import connect

TIMEOUT = 30

# In the administration site's pages: a recent action, and a user's confirmed address.
ACTION = re.compile(r'<li class="(\w+link)">(?:(?!</li>).)*?<a href="([^"]+)">([^<]+)</a>', re.DOTALL)
CONFIRMED_EMAIL = re.compile(r'field-confirmed_email">.*?class="readonly">(.*?)</div>', re.DOTALL)


async def take_snapshot(server, sessions, rooms, transcripts):
    """Read all that these sessions (by user name) see, in these rooms, of these transcripts (by path)."""
    ada = sessions["ada"]
    unread = await asyncio.gather(*[read_unread(server, session) for session in sessions.values()])
    return {
        "people": {name: await read_person(server, session) for name, session in sessions.items()},
        "unread": dict(zip(sessions, unread, strict=True)),
        "rooms": {room: await read_room(server, room, ada) for room in rooms},
        "index": read_room_list(server, ada),
        "orders": {name: read_orders(server, session) for name, session in sessions.items()},
        "transcripts": {
            path: read_transcript(server, path, sessions[owner]) for path, owner in transcripts.items()
        },
        "administration": {name: read_administration(server, sessions[name]) for name in ("root", "grace")},
    }


def get(server, path, session):
    """Return the status and the text of a page."""
    address = server.url + quote(path, safe="/%?=&")
    request = Request(address, headers={"Cookie": f"sessionid={session}"})  # noqa: S310
    try:
        answer = urlopen(request, timeout=TIMEOUT)  # noqa: S310
    except HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.read().decode()


def get_page(server, path, session):
    status, text = get(server, path, session)
    assert status == 200, (path, status)
    return text


@asynccontextmanager
async def socket(server, path, session):
    address = f"ws://127.0.0.1:{server.port}{path}"
    headers = {"Cookie": f"sessionid={session}"}
    async with asyncio.timeout(TIMEOUT):
        async with connect(
            address, subprotocols=["lobby.v1"], additional_headers=headers, proxy=None
        ) as opened:
            yield events(opened)


async def events(opened):
    async for frame in opened:
        decoded = json.loads(frame)
        for event in decoded if isinstance(decoded, list) else [decoded]:
            yield event


async def first_event(source, kind):
    async for event in source:
        if event["type"] == kind:
            return event


async def read_person(server, session):
    async with socket(server, "/ws/chat/lobby/", session) as source:
        return (await first_event(source, "welcome"))["you"]


async def read_unread(server, session):
    """Return unread messages, unread mentions and the involvement, by room."""
    async with socket(server, "/ws/me/", session) as source:
        event = await first_event(source, "unread")
        assert event["all"]
        return {
            each["room"]: [each["count"], each["mentions"], each["involvement"]] for each in event["rooms"]
        }


async def read_room(server, room, session):
    """Read a room's history, and resume its log with a cursor in the middle."""
    path = quote(room)
    messages = json.loads(get_page(server, f"/chat/{path}/messages/?limit=200", session))["messages"]
    async with socket(server, f"/ws/chat/{path}/", session) as source:
        welcome = await first_event(source, "welcome")
    epoch, seq = welcome["epoch"], welcome["seq"]
    cursor = urlencode({"since": seq // 2, "epoch": epoch})
    missed = []
    async with socket(server, f"/ws/chat/{path}/?{cursor}", session) as source:
        assert not (await first_event(source, "welcome"))["reset"]
        while seq > max([seq // 2, *(each for _, each in missed)]):
            event = await first_event(source, "message")
            missed.append([event["number"], event["seq"]])
    return {"epoch": epoch, "seq": seq, "messages": messages, "missed": missed}


def read_room_list(server, session):
    """Return the names in the list of rooms."""
    found = re.findall(r'href="/chat/([^/"]+)/"', get_page(server, "/rooms/", session))
    return sorted(map(unquote, found))


def read_orders(server, session):
    """Return subject, amount and state of a person's orders, by path."""
    found = re.findall(
        r'<a href="(/orders/\w{32}/)">(.*?)</a>', get_page(server, "/orders/", session), re.DOTALL
    )
    return {
        path: [plain_text(link).rsplit(" ", 1)[0], is_paid(server, path, session)] for path, link in found
    }


def is_paid(server, path, session):
    (order,) = re.findall(r'<script id="order"[^>]*>(.*?)</script>', get_page(server, path, session))
    return json.loads(order)["paid"]


def read_transcript(server, path, session):
    """Return the status on a transcript's page, the HTTP status of its file, and the file."""
    status = re.search(r'data-status="(\w+)"', get(server, path, session)[1])
    code, file = get(server, f"{path}transcript.txt", session)
    return [status and status[1], code, file if code == 200 else ""]


def read_administration(server, session):
    """Read the rows of each list, the recent actions, and the accounts, and open one object of each list."""
    index = get_page(server, "/admin/", session)
    lists, users = [], {}
    for address in sorted(set(re.findall(r'href="(/admin/\w+/\w+/)"', index))):
        objects = get_page(server, address, session)
        rows = re.findall(r'<th class="(field-\w+)[^"]*"><a href="([^"]+)">([^<]*)</a>', objects)
        lists.append(sorted(unescape(title) for _, _, title in rows))
        if rows and rows[0][0] == "field-username":
            users = {
                title: read_account(server, path, session) for _, path, title in rows if "-" not in title
            }
        elif rows:
            get_page(server, rows[0][1], session)
    actions = [
        [kind, unescape(title), count_history(server, path, session)]
        for kind, path, title in ACTION.findall(index)
    ]
    return {"lists": sorted(lists), "actions": actions, "users": users}


def count_history(server, path, session):
    """Count the actions in the history of an object."""
    get_page(server, path, session)
    html = get_page(server, path.replace("/change/", "/history/"), session)
    return html.partition('id="change-history"')[2].partition("</table>")[0].count("<tr>") - 1


def read_account(server, path, session):
    """Read the account's form: its fields, the number of its groups and permissions, and its flags."""
    html = get_page(server, path, session)
    fields = dict(re.findall(r'<input type="\w+" name="(username|email|name)" value="([^"]*)"', html))
    if confirmed := CONFIRMED_EMAIL.search(html):
        fields["confirmed_email"] = plain_text(confirmed[1])
    fields["rights"] = len(re.findall(r'<option value="\d+" selected>', html))
    fields["checked"] = sorted(re.findall(r'<input type="checkbox" name="(\w+)"[^>]* checked', html))
    return fields


def plain_text(html):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
