"""Socket of a transcript's page."""

import live
from base.rooms import private_key
from connections.consumers import PageListener
from transcripts import progress, protocol, queries
from transcripts.models import Transcript


class TranscriptConsumer(PageListener):
    """Consumer that sends a transcript's present state, then each change."""

    async def listen(self):
        transcript = await self.find_transcript()
        if transcript:
            self.scope["private_room"] = private_key(transcript.room.key)
            transcript = await self.find_transcript()  # again: a removal is noticed from now on
        if transcript:
            await self.follow_transcript(transcript)
        else:
            await self.close(4404)

    async def find_transcript(self) -> Transcript | None:
        visible = queries.visible_transcripts(self.scope["user"])
        return await visible.filter(pk=self.scope["url_route"]["kwargs"]["pk"]).afirst()

    async def follow_transcript(self, transcript: Transcript):
        await self.send_batch(live.Batch([protocol.make_event(transcript)]))
        head = live.Head(transcript.version)
        await self.follow(transcript.topic, progress.source, head, transcript.version)
