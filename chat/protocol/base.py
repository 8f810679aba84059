"""What all commands and events have in common, and JSON."""

from typing import Annotated, Any

import msgspec

# The longest `ref` of a command (characters).
LONGEST_REF = 64

Seq = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]

Ref = Annotated[str, msgspec.Meta(max_length=LONGEST_REF)]


class Request(msgspec.Struct, tag_field="type", kw_only=True):
    """A command. The `ack` or the `error` that answers it carries its `ref`."""

    ref: Ref | None = None


class Notice(msgspec.Struct, tag_field="type", tag=str.lower):
    """An event of the wire: its `type` is its class's name in small letters."""


class Person(msgspec.Struct):
    id: int
    name: str


def encode(value: Any) -> str:
    """JSON. Of several events, what they are when they stand in one array."""
    return body(value).decode()


def body(value: Any) -> bytes:
    """JSON, as the body of an event of a log."""
    return msgspec.json.encode(value)
