"""Sockets without a server: the whole ASGI application, spoken to as a server would."""

from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

TIMEOUT = 20


class Socket(WebsocketCommunicator):
    """A client's side."""

    async def send_frame(self, text):
        await self.send_input({"type": "websocket.receive", "text": text})

    async def receive(self):
        return await self.receive_json_from(TIMEOUT)

    async def close_code(self):
        """The code with which the server closes, whatever it sends before."""
        while (output := await self.receive_output(TIMEOUT))["type"] != "websocket.close":
            pass
        return output["code"]


def session_of(user):
    """The headers of a browser in which somebody is signed in."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    return [(b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode())]
