"""Changes to transcripts: request, mark as outdated, delete. See `leases` for writing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils.translation import get_language

import live
from accounts import queries
from accounts.models import User
from base.names import MAX_ROOM_NAME
from chat.models import Message, Room
from chat.queries.titles import load_title
from tasks.jobs import delete_rows
from transcripts import leases, space
from transcripts.models import Outdated, Transcript
from transcripts.zones import find_zone

# The message that makes task workers write the transcripts that need a worker.
WRITE = live.LayerMessage("transcripts", {"type": "transcripts.write"}, is_task=True)


def request_transcript(owner: User, room: Room, address: str = "", time_zone: str = "UTC") -> Transcript:
    """Request a room's transcript. Return an unfinished one unchanged; replace a finished one.

    Replace also those of an earlier membership in which the owner saw more than now. Times are in UTC if the
    server does not know the time zone.
    """
    earlier = Transcript.objects.filter(owner=owner, room=room)
    delete(earlier.filter(from_number__lt=room.first_seq))
    if unfinished := earlier.filter(finished_at=None).first():
        live.send_in_background(WRITE)
        return unfinished
    total, size = space.estimate(room)
    origin = space.hash_address(address)
    values = {
        "room_name": (load_title(owner, room) or room.name)[:MAX_ROOM_NAME],
        "from_number": room.first_seq,
        "up_to_number": room.last_seq,
        "total": total,
        "size": size,
    }
    values |= {"language": get_language(), "origin": origin, "time_zone": str(find_zone(time_zone))}
    values |= earlier.aggregate(claimed_at=Max("claimed_at"))
    with transaction.atomic():
        owner = queries.lock_active(owner)
        space.check_space(owner.pk, origin, size, earlier)
        found, _ = Transcript.objects.get_or_create(owner=owner, room=room, finished_at=None, defaults=values)
        transaction.on_commit(lambda: live.send_in_background(WRITE))
    delete(earlier.exclude(finished_at=None).exclude(pk=found.pk))
    return found


def mark_outdated(messages: Sequence[Message], **signal: Any) -> None:
    """Mark the transcripts that may contain earlier texts of messages. Receiver of `messages_changed`.

    The file of a transcript with a deleted message is no longer served, and the next purge deletes it. Pages
    are not notified, since there may be thousands: they find the change when their log is compared.
    """
    _mark(messages, Outdated.EDITED)
    _mark([message for message in messages if message.deleted_at], Outdated.DELETED)


def _mark(messages: Iterable[Message], state: Outdated) -> None:
    numbers = defaultdict[int, set[int]](set)
    for message in messages:
        numbers[message.room_id].add(message.number)
    having = Q(pk__in=[])
    for room, some in numbers.items():
        having |= Q(room=room, up_to_number__gte=min(some), from_number__lte=max(some))
    written = Transcript.objects.filter(having).exclude(attempt=0)
    written.exclude(outdated__in=[state, Outdated.DELETED]).update(outdated=state, version=F("version") + 1)


def delete(rows: QuerySet[Transcript]) -> int:
    """Delete transcripts. Return how many.

    The files are deleted first: a row without its file can be deleted later, but not a file without its row.
    """
    found = list(rows)
    for transcript in found:
        for attempt in range(1, transcript.attempt + 1):  # also those of workers that were killed
            transcript.file.storage.delete(leases.file_name(transcript, attempt))
    return delete_rows(Transcript.objects.filter(pk__in=[transcript.pk for transcript in found]))
