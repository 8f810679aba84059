"""Typing on the wire."""

from chat.protocol.base import Notice, Person, Request


class Type(Request, tag="typing"):
    """The user is typing."""


class Typing(Notice):
    """A person is typing in the room."""

    person: Person
