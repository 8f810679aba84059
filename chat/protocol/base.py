"""Base classes of commands and events, and their JSON encoding."""

from typing import Annotated, Any

import msgspec

# The longest `ref` of a command (characters).
MAX_REF_LENGTH = 64

Seq = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]

Ref = Annotated[str, msgspec.Meta(max_length=MAX_REF_LENGTH)]


class Request(msgspec.Struct, tag_field="type", kw_only=True):
    """A command. The `ack` or the `error` that answers it carries its `ref`."""

    ref: Ref | None = None


class Notice(msgspec.Struct, tag_field="type", tag=str.lower):
    """An event of the wire. Its `type` is the class's name in lower case."""


class Person(msgspec.Struct):
    id: int
    name: str


def encode(value: Any) -> str:
    """Return a value as JSON text."""
    return encode_body(value).decode()


def encode_body(value: Any) -> bytes:
    """Return a value as JSON bytes: the body of an event of a log."""
    return msgspec.json.encode(value)
