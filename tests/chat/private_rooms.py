"""Private rooms for tests: made and shared through their pages."""

import re

ADDRESS = re.compile(r"/chat/(~[a-z0-9]{22})/members/")


def create(client, title="Book club"):
    response = client.post("/rooms/private/", {"title": title})
    assert response.status_code == 302
    return ADDRESS.fullmatch(response.url)[1]


def invite(client, room, **given):
    given = {"role": "member", "lifetime": "day", "uses": "any"} | given
    page = client.post(f"/chat/{room}/invitations/", given)
    assert page.status_code == 200
    return re.search(r'value="http://testserver(/join/[\w-]{22}/)"', page.content.decode())[1]
