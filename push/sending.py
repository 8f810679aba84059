"""Sending to the subscribers of a topic, from any code."""

from functools import partial
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction

from live import LayerMessage, send_in_background, send_now


def send(topic: str, payload: Any, id: UUID | None = None) -> None:
    """Send a payload to a topic's subscribers, after the surrounding transaction has committed.

    `id` names the payload: Lobby's pages show one that arrives twice only once.

    Call it from views, commands, signals and consumers. In a serving process, it does not wait for Redis.
    It does not raise if Redis is down: the message is lost. Raise TypeError if JSON cannot encode `payload`.
    """
    message = _message(topic, payload, id)
    connection = transaction.get_connection()
    if connection.in_atomic_block:
        connection.on_commit(partial(send_in_background, message))
    else:
        send_in_background(message)


async def asend(topic: str, payload: Any, id: UUID | None = None) -> None:
    """Send as `send` does, and wait until Redis has the message, two seconds at most."""
    await send_now(_message(topic, payload, id))


def group_name(topic: str) -> str:
    """Return the name of a topic's group. Topics may be any text, but groups' names are short ASCII.

    Two topics never share a name: it is a hash (BLAKE2b, RFC 7693, 128 bits).
    """
    return f"push.{blake2b(topic.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def _message(topic: str, payload: Any, id: UUID | None) -> LayerMessage:
    content = {"type": "push.message", "text": msgspec.json.encode(payload).decode()}
    return LayerMessage(group_name(topic), content | ({"id": str(id)} if id else {}))
