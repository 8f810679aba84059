"""Exports: who works at one, how far it is, and who is told.

The row is the task, and what goes over the channel layer only a hint that there is one. Whoever claims an
export has it for as long as the lease is renewed. A worker that was killed, or was too slow, is replaced
by another, whose attempt begins anew in a file of its own: only the last attempt can finish.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, Count, F, Func, Q, QuerySet, Sum, Value
from django.db.models.functions import Length, Replace
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

import live
from chat import access, permissions, protocol, transcript
from chat.models import Chore, Export, Message, Outdated, Room
from live.who import network

# How long a worker that says nothing keeps an export.
LEASE = timedelta(seconds=3)

# What a transcript says of a message beside name and text (bytes, about).
ENTRY = 30

# What it makes of a line feed, beyond the line feed (bytes).
INDENT = len(transcript.INDENT) - 1

# The shares of `MEDIA_LIMIT` that a person, and all people of an address, may take.
SHARE = 10
ADDRESS_SHARE = 2

# The row whose lock is held where space is granted.
SPACE = "transcripts' space"

# When a person may try again for whose transcript there was no space (seconds).
RETRY_AFTER = 3600

# Tells the workers to look for exports.
HINT = live.Letter("transcripts", {"type": "transcripts.write"}, is_task=True)


class LeaseLost(Exception):
    """Another worker has claimed the export."""

    def __str__(self):
        return "another worker has claimed it"


def unfinished() -> QuerySet[Export]:
    """What is due, and what others work at."""
    return Export.objects.filter(finished_at=None)


def claim() -> Export | None:
    """Take over the oldest export that nobody works at; None when there is none."""
    while export := _due().order_by("created_at").first():
        if _claim(export):
            return export
    return None


@transaction.atomic
def _claim(export: Export) -> bool:
    """Begin another attempt, unless others have.

    The room is locked: a change of its messages is either over, and read by this attempt, or begins later,
    and marks it.
    """
    access.lock_rooms([export.room_id])
    begun = {"attempt": export.attempt + 1, "done": 0, "outdated": "", "leased_until": _lease_end()}
    return _change(export, _due(), **begun)


def renew(export: Export, done: int) -> None:
    """Keep an export, and tell how many messages are written. Raises `LeaseLost`."""
    if not _change(export, unfinished(), done=done, leased_until=_lease_end()):
        raise LeaseLost


def finish(export: Export) -> None:
    """Let the owner have the file of this attempt. Raises `LeaseLost`."""
    for earlier in range(1, export.attempt):  # whose workers were killed before they could finish
        export.file.storage.delete(file_name(export, earlier))
    file = file_name(export, export.attempt)
    export.refresh_from_db(fields=["outdated"])
    size = export.file.storage.size(file)
    if not _change(export, unfinished(), file=file, size=size, done=export.total, finished_at=timezone.now()):
        raise LeaseLost


def mark_outdated(changed: Iterable[Message], how: Outdated) -> None:
    """Mark the transcripts that may have earlier texts of messages. Call it in the changes' transaction.

    Where a message was deleted, the file is given to nobody any more, and goes with the next purge.
    """
    first: dict[int, int] = {}
    for message in changed:
        first[message.room_id] = min(message.number, first.get(message.room_id, message.number))
    having = Q(pk__in=[])
    for room, number in first.items():
        having |= Q(room=room, upto__gte=number)
    marked = Export.objects.filter(having).exclude(attempt=0)
    for export in marked.exclude(outdated__in=[how, Outdated.DELETED]):
        marked.filter(pk=export.pk).update(outdated=how, version=F("version") + 1)
        export.refresh_from_db()
        transaction.on_commit(partial(live.publish, export.topic, event(export)))


def origin_of(address: str) -> str:
    """An address as `Export.origin` has it."""
    return salted_hmac("chat.Export.origin", network(address)).hexdigest()[:32] if address else ""


def file_name(export: Export, attempt: int) -> str:
    return f"exports/{export.pk.hex}-{attempt}.txt"


def extent(room: Room) -> tuple[int, int]:
    """How many messages a room's transcript has, and about how many bytes."""
    rows = permissions.messages_of(room).filter(number__lte=room.last_seq)
    line_feeds = Length("text") - Length(Replace("text", Value("\n"), Value("")))
    octets = Octets("text") + Octets("author_name") + ENTRY + INDENT * line_feeds
    found = rows.aggregate(total=Count("pk"), size=Sum(octets))
    return found["total"], found["size"] or 0


def check_space(owner: int, origin: str, size: int, replaced: QuerySet[Export]) -> None:
    """Raise `Refused` when a transcript of that size does not fit beside the others that stay.

    Call it in the transaction that grants the space: its lock makes concurrent requests wait.
    """
    if not (limit := settings.MEDIA_LIMIT * 1024 * 1024):
        return
    Chore.objects.select_for_update().get_or_create(name=SPACE)
    others = Export.objects.exclude(pk__in=list(replaced.values_list("pk", flat=True)))
    if _size(others.filter(owner=owner)) + size > limit // SHARE:
        detail = _("Your transcripts take too much space. They are kept for a day: try again later.")
        raise live.Refused("unavailable", detail, RETRY_AFTER)
    if _size(others) + size > limit:
        detail = _("There is no room for transcripts now. Try again later.")
        raise live.Refused("unavailable", detail, RETRY_AFTER)
    if origin and _size(others.filter(origin=origin)) + size > limit // ADDRESS_SHARE:
        detail = _("The transcripts of your network address take too much space. Try again later.")
        raise live.Refused("unavailable", detail, RETRY_AFTER)


def take_space(export: Export, size: int) -> None:
    """Grant a transcript the bytes that it needs. Raises `Refused` when there is no space; `LeaseLost`."""
    if size <= export.size:
        return
    with transaction.atomic():
        check_space(export.owner_id, export.origin, size, Export.objects.filter(pk=export.pk))
        if not unfinished().filter(pk=export.pk, attempt=export.attempt).update(size=size):
            raise LeaseLost
    export.size = size


def _size(exports: QuerySet[Export]) -> int:
    return exports.aggregate(size=Sum("size"))["size"] or 0


def forget(rows: QuerySet[Export]) -> int:
    """Delete transcripts, and say how many.

    The file goes first: a row without it can be deleted again, a file without its row could not.
    """
    found = list(rows)
    for export in found:
        export.file.delete(save=False)
    deleted = Export.objects.filter(pk__in=[export.pk for export in found]).delete()
    return deleted[1].get(Export._meta.label, 0)


class Octets(Func):
    """The length of a text in bytes."""

    function = "OCTET_LENGTH"
    output_field = BigIntegerField()

    def as_sqlite(self, compiler, connection, **context):
        template = "LENGTH(CAST(%(expressions)s AS BLOB))"
        return self.as_sql(compiler, connection, template=template, **context)


def event(export: Export) -> live.Event:
    """An export as an event of its log."""
    state = protocol.Export(export.status, export.done, export.total)
    return live.Event(export.version, protocol.body(state))


class ExportSource:
    """A `live.Source` of the exports whose pages are open."""

    @database_sync_to_async
    def since(self, topic: str, seq: int, limit: int) -> tuple[Sequence[live.Event], int]:
        export = Export.objects.filter(pk=_pk(topic), version__gt=seq).first()
        return ([event(export)], export.version) if export else ([], seq)

    @database_sync_to_async
    def heads(self, topics: Iterable[str]) -> dict[str, live.Head]:
        """As asked every few seconds: the moment to see that somebody works at them."""
        exports = {_pk(topic): topic for topic in topics}
        if due := list(_due().filter(pk__in=exports)):
            _release(due)
            live.post(HINT)
        found = Export.objects.filter(pk__in=exports).values_list("pk", "version")
        return {exports[pk]: live.Head(version) for pk, version in found}

    async def renew(self, topic: str, epoch: str) -> None:
        """It has no epoch: a page shows the last state that comes."""


source = ExportSource()


def _release(exports: list[Export]) -> None:
    """Let pages say that nobody works at an export any more."""
    for export in exports:
        if export.leased_until:
            _change(export, _due(), leased_until=None)


def _change(export: Export, rows: QuerySet[Export], **values: Any) -> bool:
    """Change an export and tell its pages, if it is still among these rows, and no later attempt was made."""
    if not rows.filter(pk=export.pk, attempt=export.attempt).update(version=F("version") + 1, **values):
        return False
    for name, value in values.items():
        setattr(export, name, value)
    export.refresh_from_db(fields=["version"])
    transaction.on_commit(partial(live.publish, export.topic, event(export)))
    return True


def _due() -> QuerySet[Export]:
    return unfinished().filter(Q(leased_until=None) | Q(leased_until__lte=timezone.now()))


def _lease_end() -> datetime:
    return timezone.now() + LEASE


def _pk(topic: str) -> UUID:
    return UUID(topic.removeprefix("export."))
