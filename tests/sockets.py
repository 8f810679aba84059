"""Sockets without a server: the whole ASGI application, called directly."""

from asgiref.testing import ApplicationCommunicator
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

TIMEOUT = 20


class Socket(WebsocketCommunicator):
    """Client side of a socket.

    Channels' communicator disables `close_old_connections` in all threads while it waits, so that a test can
    run in a transaction. Threads would keep their sessions, and PostgreSQL drops no database that has any.
    """

    send_input = ApplicationCommunicator.send_input
    receive_output = ApplicationCommunicator.receive_output

    async def send_frame(self, text):
        await self.send_input({"type": "websocket.receive", "text": text})

    async def receive(self):
        return await self.receive_json_from(TIMEOUT)

    async def close_code(self):
        """Return the code with which the server closes the socket, when its consumer has ended."""
        while (output := await self.receive_output(TIMEOUT))["type"] != "websocket.close":
            pass
        await self.disconnect(timeout=TIMEOUT)
        return output["code"]


def session_of(user):
    """Return the headers of a browser with a user's session."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    return [(b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode())]
