"""What takes long, done in small pieces: a process has one thread for its database."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from tempfile import TemporaryFile
from typing import IO

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from django.core.files import File
from django.core.mail import EmailMessage
from django.utils import translation

import live
from chat import exports, mail, purge, transcript
from chat.models import Export, Message
from chat.rate import take_confirmation, take_reset
from chat.writer import BUSY
from live import Refused

logger = logging.getLogger(__name__)

# How often a lease is renewed and progress is told, at most (seconds).
TELL_EVERY = 0.25

# How often it is looked whether others have stopped working (seconds).
LOOK_EVERY = 0.5


class TranscriptWorker(AsyncConsumer):
    """Writes the transcripts that are due, one after the other. See `exports`."""

    channel_layer_alias = None

    async def transcripts_write(self, hint):
        live.get_hub()  # so that no thread waits for Redis to tell of progress
        while True:
            if not await self.work():
                break
            await asyncio.sleep(LOOK_EVERY)

    async def work(self) -> bool:
        """Write what is due. Whether anything is left: who works at it may be killed without a word."""
        try:
            while export := await database_sync_to_async(exports.claim)():
                await self.attempt(export)
            return await database_sync_to_async(exports.unfinished().exists)()
        except BUSY as error:
            logger.warning("Transcripts have to wait for the database: %s", live.reason(error))
            return True

    async def attempt(self, export: Export):
        """Write one. Whatever is wrong with it, the others are written all the same."""
        try:
            await write(export)
        except Exception as error:
            is_news = not isinstance(error, (exports.LeaseLost, OSError, *BUSY))
            why = live.reason(error)
            logger.warning("A transcript is left to another attempt: %s", why, exc_info=is_news)
            with suppress(OSError):
                name = exports.file_name(export, export.attempt)
                await asyncio.to_thread(export.file.storage.delete, name)


class PurgeWorker(AsyncConsumer):
    """Lets go of what nobody needs any more. See `purge`."""

    channel_layer_alias = None

    async def purge_run(self, hint):
        for chore in purge.CHORES:
            try:
                await purge.purge_if_due(chore)
            except (*BUSY, OSError) as error:
                logger.warning("purge: %s put off: %s", chore, live.reason(error))
            except Exception:
                logger.exception("purge: %s failed", chore)


class MailWorker(AsyncConsumer):
    """Sends e-mail. See `mail`."""

    channel_layer_alias = None

    async def mail_reset(self, message):
        await self.mail(take_reset, mail.reset_email, message["email"], message["language"])

    async def mail_confirmation(self, message):
        take = partial(take_confirmation, message["user"])
        await self.mail(take, mail.confirmation_email, message["user"], message["language"])

    async def mail(
        self, take: Callable[[str], Awaitable[None]], render: Callable[..., EmailMessage | None], *about
    ):
        try:
            if email := await database_sync_to_async(render)(*about):
                await take(email.to[0])
                # In a thread of its own: what else is done here does not wait for a server of mail.
                await asyncio.to_thread(email.send)
        except Refused as refused:
            logger.warning("mail: not sent: %s", refused)
        except Exception as error:
            reason = _reason(error)
            is_bug = not isinstance(error, (OSError, *BUSY))
            traceback = is_bug and (Exception, Exception(reason), error.__traceback__)
            logger.warning("mail: not sent: %s", reason, exc_info=traceback)


def _reason(error: Exception) -> str:
    """The class of an error and the codes of an SMTP server. Its text may quote the recipients."""
    refusals = getattr(error, "recipients", {}).values()  # of SMTPRecipientsRefused
    codes = [code for code, _ in refusals] or [getattr(error, "smtp_code", "")]
    return " ".join(map(str, [type(error).__name__, *codes])).strip()


async def write(export: Export) -> None:
    """Write the file of an export that was claimed. Raises `LeaseLost`."""
    with TemporaryFile() as file, translation.override(export.language):
        file.write(transcript.header(export).encode())
        done, number, told = 0, 0, time.monotonic()
        while written := await _write_some(file, export, number):
            done, number = done + len(written), written[-1].number
            if time.monotonic() - told > TELL_EVERY:
                await database_sync_to_async(exports.renew)(export, done)
                told = time.monotonic()
        await _save(file, export, done)
    await database_sync_to_async(exports.finish)(export)


@database_sync_to_async
def _write_some(file: IO[bytes], export: Export, after: int) -> list[Message]:
    """The messages that were written; none at the end."""
    rows = list(transcript.page(export, after))
    entries = "".join(map(transcript.entry, rows)).encode()
    try:
        exports.take_space(export, file.tell() + len(entries))
    except Refused as refused:
        logger.warning("transcripts: cut off (%s, %d bytes): %s", export.pk, file.tell(), refused)
        file.write(transcript.end().encode())
        return []
    file.write(entries)
    return rows


async def _save(file: IO[bytes], export: Export, done: int) -> None:
    """Hand the file to the storage, however long that takes."""
    file.seek(0)
    name = exports.file_name(export, export.attempt)
    saving = asyncio.ensure_future(asyncio.to_thread(export.file.storage.save, name, File(file)))
    try:
        while not (await asyncio.wait([saving], timeout=TELL_EVERY))[0]:
            await database_sync_to_async(exports.renew)(export, done)
    finally:
        await asyncio.wait([saving])
    saving.result()
