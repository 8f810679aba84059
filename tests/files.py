"""Static files, as the server sends them."""

from asgiref.sync import async_to_sync
from channels.testing import HttpCommunicator

from connections.static_files import StaticFiles
from mysite.asgi import django_application


@async_to_sync
async def load(address):
    """Return `(headers, body)`. Fail if there is no such file."""
    answer = await HttpCommunicator(StaticFiles(django_application), "GET", address).get_response()
    assert answer["status"] == 200, address
    return {name.decode(): value.decode() for name, value in answer["headers"]}, answer["body"]
