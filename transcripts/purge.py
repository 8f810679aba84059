"""Deletion of transcripts a day after they are finished, and of those with deleted messages."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from tasks.jobs import CHUNK, PeriodicJob
from transcripts import actions
from transcripts.models import Outdated, Transcript

# How long a finished transcript is kept.
RETENTION = timedelta(days=1)


def purge_transcripts() -> int:
    is_old, has_deleted = Q(finished_at__lt=timezone.now() - RETENTION), Q(outdated=Outdated.DELETED)
    finished = Transcript.objects.filter(finished_at__isnull=False)
    return actions.delete(finished.filter(is_old | has_deleted)[:CHUNK])


# Workers are reminded every hour. The interval is a little shorter, so that no reminder is too early.
JOB = PeriodicJob("transcripts", timedelta(minutes=55), {"transcripts": purge_transcripts})
