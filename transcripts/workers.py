"""The task worker that writes transcripts."""

import asyncio
import logging
import time
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from django.core.files import File
from django.utils import translation

import live
from base.api_errors import ApiError
from base.database import BUSY
from chat.models import Message
from tasks.leases import LeaseLost
from transcripts import leases, space, text
from transcripts.models import Transcript

logger = logging.getLogger(__name__)

# How often a lease is renewed and progress published, at most (seconds).
PROGRESS_INTERVAL = 0.25

# How often to look for transcripts whose workers have stopped (seconds).
POLL_INTERVAL = 0.5


class TranscriptWorker(AsyncConsumer):
    """Writes the transcripts that need a worker, one after the other."""

    channel_layer_alias = None

    async def transcripts_write(self, hint):
        live.get_hub()  # so that no thread waits for Redis to publish progress
        while True:
            if not await self.work():
                break
            await asyncio.sleep(POLL_INTERVAL)

    async def work(self) -> bool:
        """Write what is due. True if other workers are still writing: they may be killed without a word."""
        try:
            while transcript := await database_sync_to_async(leases.claim)():
                await self.attempt(transcript)
            return await database_sync_to_async(leases.unfinished().exists)()
        except BUSY as error:
            logger.warning("transcripts: waiting for the database: %s", live.error_summary(error))
            return True

    async def attempt(self, transcript: Transcript):
        """Write one. After an error it is left to another attempt, and the worker goes on."""
        try:
            await write(transcript)
        except Exception as error:
            is_news = not isinstance(error, (LeaseLost, OSError, *BUSY))
            why = live.error_summary(error)
            logger.warning("transcripts: left to another attempt: %s", why, exc_info=is_news)
            with suppress(OSError):
                name = leases.file_name(transcript, transcript.attempt)
                await asyncio.to_thread(transcript.file.storage.delete, name)


async def write(transcript: Transcript) -> None:
    """Write the file of an transcript that was claimed. Raises `LeaseLost`."""
    with TemporaryFile() as file, translation.override(transcript.language):
        file.write(text.header(transcript).encode())
        done, number, renewed_at = 0, 0, time.monotonic()
        while written := await _write_some(file, transcript, number):
            done, number = done + len(written), written[-1].number
            if time.monotonic() - renewed_at > PROGRESS_INTERVAL:
                await database_sync_to_async(leases.renew)(transcript, done)
                renewed_at = time.monotonic()
        await _save(file, transcript, done)
    await database_sync_to_async(leases.finish)(transcript)


@database_sync_to_async
def _write_some(file: IO[bytes], transcript: Transcript, after: int) -> list[Message]:
    """Write the next messages. Returns them; none at the end."""
    rows = list(text.page(transcript, after))
    entries = "".join(map(text.entry, rows)).encode()
    try:
        space.take(transcript, file.tell() + len(entries))
    except ApiError as error:
        logger.warning("transcripts: cut off (%s, %d bytes): %s", transcript.pk, file.tell(), error)
        file.write(text.end().encode())
        return []
    file.write(entries)
    return rows


async def _save(file: IO[bytes], transcript: Transcript, done: int) -> None:
    """Hand the file to the storage, however long that takes."""
    file.seek(0)
    name = leases.file_name(transcript, transcript.attempt)
    saving = asyncio.ensure_future(asyncio.to_thread(transcript.file.storage.save, name, File(file)))
    try:
        while not (await asyncio.wait([saving], timeout=PROGRESS_INTERVAL))[0]:
            await database_sync_to_async(leases.renew)(transcript, done)
    finally:
        await asyncio.wait([saving])
    saving.result()
