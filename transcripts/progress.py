"""Progress of transcripts: the source of the logs that pages subscribe to."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from channels.db import database_sync_to_async

import live
from transcripts import leases
from transcripts.actions import WRITE
from transcripts.models import Transcript
from transcripts.protocol import make_event


class TranscriptSource:
    """`live.Source` of the transcripts whose pages are open."""

    @database_sync_to_async
    def read_after(self, topic: str, seq: int, limit: int) -> tuple[Sequence[live.Event], int]:
        transcript = Transcript.objects.filter(pk=_pk(topic), version__gt=seq).first()
        return ([make_event(transcript)], transcript.version) if transcript else ([], seq)

    @database_sync_to_async
    def read_heads(self, topics: Iterable[str]) -> dict[str, live.Head]:
        """Return the versions. Call workers for transcripts without one: the hub asks every few seconds."""
        by_pk = {_pk(topic): topic for topic in topics}
        if due := list(leases.due().filter(pk__in=by_pk)):
            leases.release(due)
            live.send_in_background(WRITE)
        found = Transcript.objects.filter(pk__in=by_pk).values_list("pk", "version")
        return {by_pk[pk]: live.Head(version) for pk, version in found}

    async def renew_epoch(self, topic: str, epoch: str) -> None:
        """Do nothing: a page shows the last state, so the log has no epoch."""


source = TranscriptSource()


def _pk(topic: str) -> UUID:
    return UUID(topic.removeprefix("export."))
