"""Static files, as the server sends them."""

from functools import cache

from asgiref.sync import async_to_sync
from channels.testing import HttpCommunicator

from connections.static_files import StaticFiles
from mysite.asgi import django_application

find_all = cache(StaticFiles)  # finding them takes longer than a test


@async_to_sync
async def load(address):
    """Return `(headers, body)`. Fail if there is no such file."""
    answer = await HttpCommunicator(find_all(django_application), "GET", address).get_response()
    assert answer["status"] == 200, address
    return {name.decode(): value.decode() for name, value in answer["headers"]}, answer["body"]
