"""Socket of a transcript's page."""

from channels.db import database_sync_to_async

import live
from connections.consumers import PageListener
from transcripts import progress, protocol, queries
from transcripts.models import Transcript


class TranscriptConsumer(PageListener):
    """Consumer that sends a transcript's present state, then each change."""

    async def listen(self):
        visible = queries.visible_transcripts(self.scope["user"])
        requested = visible.filter(pk=self.scope["url_route"]["kwargs"]["pk"])
        if transcript := await database_sync_to_async(requested.first)():
            await self.follow_transcript(transcript)
        else:
            await self.close(4404)

    async def follow_transcript(self, transcript: Transcript):
        await self.send_batch(live.Batch([protocol.make_event(transcript)]))
        head = live.Head(transcript.version)
        await self.follow(transcript.topic, progress.source, head, transcript.version)
