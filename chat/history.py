"""What was said: the truth behind the rooms' logs, for the engine and for pages."""

from collections.abc import Iterable, Sequence

from channels.db import database_sync_to_async

import live
from chat import protocol
from chat.models import Message, Room


class RoomSource:
    """A `live.Source`. The last change of a room is always somebody's row, so it ends a log."""

    @database_sync_to_async
    def since(self, topic: str, seq: int, limit: int) -> tuple[Sequence[live.Event], int]:
        rows = list(Message.objects.filter(room=_room_id(topic), seq__gt=seq).order_by("seq")[:limit])
        return [protocol.event(row) for row in rows], rows[-1].seq if rows else seq

    @database_sync_to_async
    def heads(self, topics: Iterable[str]) -> dict[str, int]:
        ids = {_room_id(topic): topic for topic in topics}
        found = Room.objects.filter(pk__in=ids).values_list("pk", "last_seq")
        return {ids[pk]: last_seq for pk, last_seq in found}


source = RoomSource()


def page(room: Room, before: int | None, limit: int) -> list[protocol.Message]:
    """The last messages of a room, or the last before a number; the oldest first."""
    rows = Message.objects.filter(room=room).order_by("-number")
    if before is not None:
        rows = rows.filter(number__lt=before)
    return [protocol.message(row) for row in reversed(rows[:limit])]


def _room_id(topic: str) -> int:
    return int(topic.removeprefix("room."))
