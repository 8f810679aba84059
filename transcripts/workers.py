"""Task worker that writes transcripts."""

import asyncio
import logging
import time
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from django.core.files import File
from django.core.files.storage import Storage
from django.utils import timezone, translation

import live
from base.api_errors import ApiError
from base.database import DATABASE_ERRORS
from chat.models import Message
from tasks.leases import LeaseLost
from transcripts import leases, space, text
from transcripts.models import Transcript
from transcripts.zones import find_zone

logger = logging.getLogger(__name__)

# How often a lease is renewed and progress published, at most (seconds).
PROGRESS_INTERVAL = 0.25

# How often to look for transcripts whose workers have stopped (seconds).
POLL_INTERVAL = 0.5


class TranscriptWorker(AsyncConsumer):
    """Consumer that writes the transcripts that need a worker, one after the other."""

    channel_layer_alias = None

    async def transcripts_write(self, hint):
        live.get_hub()  # made here, so that threads that publish progress need not wait for Redis
        while True:
            if not await self.write_due():
                break
            await asyncio.sleep(POLL_INTERVAL)

    async def write_due(self) -> bool:
        """Write the transcripts that are due. Return True while other workers still write: they may fail."""
        try:
            while transcript := await database_sync_to_async(leases.claim)():
                await self.attempt(transcript)
            return await database_sync_to_async(leases.unfinished().exists)()
        except DATABASE_ERRORS as error:
            logger.warning("transcripts: waiting for the database: %s", live.error_summary(error))
            return True

    async def attempt(self, transcript: Transcript):
        """Write a transcript. After an error, log it and leave the transcript to another attempt."""
        try:
            await write(transcript)
        except Exception as error:
            is_unexpected = not isinstance(error, (LeaseLost, OSError, *DATABASE_ERRORS))
            why = live.error_summary(error)
            logger.warning("transcripts: attempt failed, will be retried: %s", why, exc_info=is_unexpected)
            with suppress(OSError):
                name = leases.file_name(transcript, transcript.attempt)
                await asyncio.to_thread(transcript.file.storage.delete, name)


async def write(transcript: Transcript) -> None:
    """Write the file of a claimed transcript. Raise `LeaseLost`."""
    zone = timezone.override(find_zone(transcript.time_zone))
    with TemporaryFile() as file, translation.override(transcript.language), zone:
        file.write(text.render_header(transcript).encode())
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
    """Write and return the next messages; an empty list at the end."""
    rows = list(text.find_next_messages(transcript, after))
    entries = "".join(map(text.render_message, rows)).encode()
    try:
        space.reserve(transcript, file.tell() + len(entries))
    except ApiError as error:
        logger.warning("transcripts: cut off (%s, %d bytes): %s", transcript.pk, file.tell(), error)
        file.write(text.render_end().encode())
        return []
    file.write(entries)
    return rows


async def _save(file: IO[bytes], transcript: Transcript, done: int) -> None:
    """Store the file, and renew the lease meanwhile."""
    file.seek(0)
    name = leases.file_name(transcript, transcript.attempt)
    saving = asyncio.ensure_future(asyncio.to_thread(_replace, transcript.file.storage, name, File(file)))
    try:
        while not (await asyncio.wait([saving], timeout=PROGRESS_INTERVAL))[0]:
            await database_sync_to_async(leases.renew)(transcript, done)
    finally:
        await asyncio.wait([saving])
    saving.result()


def _replace(storage: Storage, name: str, file: File) -> None:
    """Store a file under a name. Before a restore, there may have been another one."""
    storage.delete(name)
    storage.save(name, file)
