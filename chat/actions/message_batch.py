"""Messages on their way into the database: several are stored in one transaction."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from django.db.models import Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import queries
from accounts.models import User
from base.api_errors import ApiError
from chat import mentions, permissions
from chat.models import Message, Room


class Draft(NamedTuple):
    """A message as it is sent; its author is None when somebody without a session says a first word.

    Whoever has no session is another guest after each reconnect. Their client_id is looked for among
    everybody's messages in the room, or what they send again would be stored twice.
    """

    author: User | None
    room: Room
    text: str
    client_id: UUID
    has_session: bool = True

    @property
    def is_named(self) -> bool:
        """Whether author and client_id name it, so that the database would not store it twice."""
        return self.author is not None and self.has_session

    @property
    def name(self) -> tuple:
        """The same for a draft that is sent again, and for the message that came of it."""
        if self.author and self.is_named:
            return self.room.pk, self.author.pk, self.client_id
        return self.room.pk, None, self.client_id


class Drafts:
    """Drafts, whose texts were checked, that become messages, in their order, within one transaction.

    The transaction has locked their people, and their rooms where there are `doubts`, for which what came of
    the same draft before is looked for.
    """

    def __init__(self, doubts: Sequence[Draft], people: dict[int, User]):
        self._people = people
        self._new: list[Message] = []
        self._known: dict[tuple, Message] = {}
        if doubts:
            for message in mentions.load(_stored(doubts)):
                self._know(message)

    def author(self, draft: Draft) -> User | None:
        """As now stored; raises `ApiError` for somebody who may not write."""
        if draft.author is None:
            return None
        author = queries.one_of(self._people, draft.author)
        if not permissions.can_write(author, draft.room):
            raise ApiError("forbidden", _("You can't write in this room."))
        return author

    def earlier(self, draft: Draft) -> Message | None:
        """The message that came of the same draft before."""
        return self._known.get(draft.name)

    def add(self, draft: Draft, author: User) -> Message:
        message = Message(
            room=draft.room,
            author=author,
            author_name=author.name,
            author_is_staff=author.is_staff,
            text=draft.text,
            client_id=draft.client_id,
        )
        self._new.append(message)
        self._know(message)
        return message

    def store(self, found: mentions.Named) -> None:
        """Give the new messages their places in their rooms' logs, and store them, and whom they name."""
        for room, messages in self.by_room():
            seqs = room.take_seqs(len(messages), said_at=timezone.now())
            for message, seq in zip(messages, seqs, strict=True):
                message.number = message.seq = seq
        permissions.all_messages().bulk_create(self._new)
        mentions.note(self._new, found)

    def by_room(self) -> list[tuple[Room, list[Message]]]:
        """The new messages of each room."""
        return by_room(self._new)

    def _know(self, message: Message) -> None:
        for author in (message.author_id, None):
            self._known[message.room_id, author, message.client_id] = message


def _stored(drafts: Iterable[Draft]) -> QuerySet[Message]:
    """The messages that came of drafts before.

    Strangers may give one client_id to many messages. So of those for drafts without a session, each room's
    first is read; for the others, the author is known too.
    """
    ids = defaultdict[tuple, set[UUID]](set)
    for draft in drafts:
        *log, client_id = draft.name
        ids[tuple(log)].add(client_id)
    named = unnamed = Q(pk__in=[])
    for (room, author), some in ids.items():
        if author is None:
            unnamed |= Q(room=room, client_id__in=some)
        else:
            named |= Q(room=room, author=author, client_id__in=some)
    messages = permissions.all_messages()
    firsts = messages.filter(unnamed).values("room", "client_id").annotate(first=Min("pk"))
    return messages.filter(named | Q(pk__in=list(firsts.values_list("first", flat=True))))


def by_room(messages: Iterable[Message]) -> list[tuple[Room, list[Message]]]:
    """The messages of each room, in the rooms' order."""
    rooms = [list(some) for _, some in groupby(sorted(messages, key=_log), _log)]
    return [(some[0].room, some) for some in rooms]


def _log(message: Message) -> tuple[int, str]:
    return message.room_id, message.room.epoch
