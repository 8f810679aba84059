"""Wire protocol: commands and events as typed structs, by noun. docs/wire.md describes it."""

from chat.protocol.base import MAX_REF_LENGTH, Notice, Person, Ref, Request, Seq, encode, encode_body
from chat.protocol.commands import Command
from chat.protocol.connection import Ack, Error, Ping, Welcome, make_ack, make_error
from chat.protocol.messages import (
    MAX_MENTIONS,
    MAX_TEXT_LENGTH,
    Author,
    Delete,
    Edit,
    LastChange,
    Message,
    Send,
    changed_at,
    check_text,
    make_event,
    make_key,
    make_last_change,
    make_message,
    sent_at,
    with_line_feeds,
)
from chat.protocol.presence import Presence, Present, You, make_you
from chat.protocol.typing import Type, Typing
from chat.protocol.unread import Count, Read, Unread

__all__ = [
    "MAX_MENTIONS",
    "MAX_REF_LENGTH",
    "MAX_TEXT_LENGTH",
    "Ack",
    "Author",
    "Command",
    "Count",
    "Delete",
    "Edit",
    "Error",
    "LastChange",
    "Message",
    "Notice",
    "Person",
    "Ping",
    "Presence",
    "Present",
    "Read",
    "Ref",
    "Request",
    "Send",
    "Seq",
    "Type",
    "Typing",
    "Unread",
    "Welcome",
    "You",
    "changed_at",
    "check_text",
    "encode",
    "encode_body",
    "make_ack",
    "make_error",
    "make_event",
    "make_key",
    "make_last_change",
    "make_message",
    "make_you",
    "sent_at",
    "with_line_feeds",
]
