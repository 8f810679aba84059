"""Deletion of transcripts a day after they are finished, and of those with deleted messages or rooms."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from chat.models import RoomKind
from tasks.jobs import CHUNK, PeriodicJob, make_due
from transcripts import actions
from transcripts.models import Outdated, Transcript

# How long a finished transcript is kept.
RETENTION = timedelta(days=1)


def purge_transcripts() -> int:
    is_old, has_deleted = Q(finished_at__lt=timezone.now() - RETENTION), Q(outdated=Outdated.DELETED)
    is_finished, is_of_no_room = Q(finished_at__isnull=False), Q(room__kind=RoomKind.DELETED)
    unwanted = Transcript.objects.filter(is_of_no_room | (is_finished & (is_old | has_deleted)))
    return actions.delete(unwanted[:CHUNK])


def on_room_deleted(**signal: object) -> None:
    """Delete the room's transcripts soon. Receiver of `room_deleted`."""
    make_due(JOB.name)


# Workers are reminded every hour. The interval is a little shorter, so that no reminder is too early.
JOB = PeriodicJob("transcripts", timedelta(minutes=55), {"transcripts": purge_transcripts})
