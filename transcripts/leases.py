"""Leases of transcripts: the task worker that writes a transcript, and its progress.

Another worker takes over the transcript of a worker that is killed or too slow, and writes a file of its own:
only the last attempt can finish.
"""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from chat.queries import locks
from tasks.leases import LeaseLost, without_worker
from transcripts import protocol
from transcripts.models import Transcript

# How long a worker that does not renew its lease keeps a transcript.
LEASE = timedelta(seconds=3)

# Each published state has a version of its own.
NEXT_VERSION: dict[str, Any] = {"version": F("version") + 1}


def unfinished() -> QuerySet[Transcript]:
    """Return the transcripts that are not finished, whether a worker has them or not."""
    return Transcript.unfinished()


def due() -> QuerySet[Transcript]:
    """Return the transcripts that need a worker."""
    return without_worker(unfinished())


def claim() -> Transcript | None:
    """Claim a transcript that needs a worker; None if there is none.

    Addresses take turns, and people within them.
    """
    turns = [F(turn).asc(nulls_first=True) for turn in ("origin_turn", "owner_turn")]
    waiting = due().annotate(origin_turn=_last_claim("origin"), owner_turn=_last_claim("owner"))
    while transcript := waiting.order_by(*turns, "created_at").first():
        if _claim(transcript):
            return transcript
    return None


def _last_claim(field: str) -> Subquery:
    """Return when a transcript with the same value of a field was last claimed; None if none was."""
    claimed = Transcript.objects.filter(claimed_at__isnull=False, **{field: OuterRef(field)})
    return Subquery(claimed.order_by("-claimed_at").values("claimed_at")[:1])


@transaction.atomic
def _claim(transcript: Transcript) -> bool:
    """Begin another attempt. Return False if another worker was faster.

    The room is locked: a concurrent change of its messages is either stored, and read by this attempt, or
    comes later, and marks the transcript as outdated.
    """
    locks.lock_rooms([transcript.room_id])
    begun: dict[str, Any] = {"claimed_at": timezone.now(), "done": 0, "outdated": ""}
    if not transcript.claim(unfinished(), LEASE, **begun, **NEXT_VERSION):
        return False
    _publish(transcript)
    return True


def renew(transcript: Transcript, done: int) -> None:
    """Renew the lease, and publish how many messages are written. Raise `LeaseLost`."""
    transcript.renew(unfinished(), LEASE, done=done, **NEXT_VERSION)
    _publish(transcript)


def finish(transcript: Transcript) -> None:
    """Make the file of this attempt available to its owner. Raise `LeaseLost`."""
    storage = transcript.file.storage
    for earlier in range(1, transcript.attempt):  # of workers that were killed
        storage.delete(file_name(transcript, earlier))
    file = file_name(transcript, transcript.attempt)
    transcript.refresh_from_db(fields=["outdated"])
    finished: dict[str, Any] = {"file": file, "size": storage.size(file), "done": transcript.total}
    if not transcript.change(unfinished(), finished_at=timezone.now(), **finished, **NEXT_VERSION):
        raise LeaseLost
    _publish(transcript)


def release(transcripts: list[Transcript]) -> None:
    """Publish that no worker has these transcripts any more."""
    for transcript in transcripts:
        if transcript.leased_until and transcript.change(due(), leased_until=None, **NEXT_VERSION):
            _publish(transcript)


def file_name(transcript: Transcript, attempt: int) -> str:
    return f"exports/{transcript.pk.hex}-{attempt}.txt"


def _publish(transcript: Transcript) -> None:
    """Publish the stored state to the transcript's page."""
    transcript.refresh_from_db(fields=["version"])
    protocol.publish(transcript)
