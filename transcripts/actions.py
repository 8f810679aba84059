"""Every change to transcripts except their writing (see `leases`): request, mark as outdated, delete."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils.translation import get_language

import live
from accounts import queries
from accounts.models import User
from chat.models import Message, Room
from transcripts import protocol, space
from transcripts.models import Outdated, Transcript

# Asks the task workers to write the transcripts that need a worker.
WRITE = live.LayerMessage("transcripts", {"type": "transcripts.write"}, is_task=True)


def request_transcript(owner: User, room: Room, address: str = "") -> Transcript:
    """Request a room's transcript. An unfinished one is returned as it is, a finished one replaced."""
    earlier = Transcript.objects.filter(owner=owner, room=room)
    if unfinished := earlier.filter(finished_at=None).first():
        live.send_in_background(WRITE)
        return unfinished
    total, size = space.estimate(room)
    origin = space.origin_of(address)
    asked = {"room_name": room.name, "upto": room.last_seq, "total": total, "size": size}
    asked |= {"language": get_language(), "origin": origin}
    asked |= earlier.aggregate(claimed_at=Max("claimed_at"))
    with transaction.atomic():
        owner = queries.active(owner)
        space.check(owner.pk, origin, size, earlier)
        found, _ = Transcript.objects.get_or_create(owner=owner, room=room, finished_at=None, defaults=asked)
        transaction.on_commit(lambda: live.send_in_background(WRITE))
    delete(earlier.exclude(finished_at=None).exclude(pk=found.pk))
    return found


def mark_outdated(messages: Sequence[Message], **signal: Any) -> None:
    """Mark the transcripts that may contain earlier texts of messages. Receiver of `messages_changed`.

    The file of a transcript with a deleted message is no longer served, and the next purge deletes it.
    """
    _mark(messages, Outdated.EDITED)
    _mark([message for message in messages if message.deleted_at], Outdated.DELETED)


def _mark(messages: Iterable[Message], how: Outdated) -> None:
    first: dict[int, int] = {}
    for message in messages:
        first[message.room_id] = min(message.number, first.get(message.room_id, message.number))
    having = Q(pk__in=[])
    for room, number in first.items():
        having |= Q(room=room, upto__gte=number)
    marked = Transcript.objects.filter(having).exclude(attempt=0)
    for transcript in marked.exclude(outdated__in=[how, Outdated.DELETED]):
        marked.filter(pk=transcript.pk).update(outdated=how, version=F("version") + 1)
        transcript.refresh_from_db()
        protocol.publish(transcript)


def delete(rows: QuerySet[Transcript]) -> int:
    """Delete transcripts. Returns how many.

    The file goes first: a row without its file can be deleted again, a file without its row could not.
    """
    found = list(rows)
    for transcript in found:
        transcript.file.delete(save=False)
    deleted = Transcript.objects.filter(pk__in=[transcript.pk for transcript in found]).delete()
    return deleted[1].get(Transcript._meta.label, 0)
