"""Sending to whoever listens to a topic, from any code."""

from functools import partial
from hashlib import blake2b
from typing import Any

import msgspec
from django.db import transaction

from live import LayerMessage, send_in_background, send_now


def send(topic: str, payload: Any) -> None:
    """Send a payload to whoever listens to a topic, once the transaction around this call has committed.

    It is for views, commands, signals and synchronous consumers; in asynchronous code it works too. It
    does not wait for Redis in a process that serves, and never raises because Redis is away: then nobody
    is told. `payload` is anything that has a form in JSON; TypeError if it has none.
    """
    message = _message(topic, payload)
    connection = transaction.get_connection()
    if connection.in_atomic_block:
        connection.on_commit(partial(send_in_background, message))
    else:
        send_in_background(message)


async def asend(topic: str, payload: Any) -> None:
    """`send` for asynchronous code that goes on when it is sent: that takes two seconds at most."""
    await send_now(_message(topic, payload))


def group_name(topic: str) -> str:
    """The group of a topic, which may be any text; groups' names are short ASCII (see PITFALLS of Channels).

    Two topics never share one: it is a hash (BLAKE2b, RFC 7693, 128 bits).
    """
    return f"push.{blake2b(topic.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def _message(topic: str, payload: Any) -> LayerMessage:
    content = {"type": "push.message", "text": msgspec.json.encode(payload).decode()}
    return LayerMessage(group_name(topic), content)
