"""The task worker that sends e-mail."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from django.core.mail import EmailMessage

from accounts import mail
from accounts.limits import count_confirmation, count_reset
from base.api_errors import ApiError
from base.database import DATABASE_ERRORS

logger = logging.getLogger(__name__)


class MailWorker(AsyncConsumer):
    """Sends e-mail. See `mail`."""

    channel_layer_alias = None

    async def mail_reset(self, message):
        await self.mail(count_reset, mail.render_reset, message["email"], message["language"])

    async def mail_confirmation(self, message):
        count = partial(count_confirmation, message["user"])
        await self.mail(count, mail.render_confirmation, message["user"], message["language"])

    async def mail(
        self, count: Callable[[str], Awaitable[None]], render: Callable[..., EmailMessage | None], *arguments
    ):
        try:
            if email := await database_sync_to_async(render)(*arguments):
                await count(email.to[0])
                # In a thread of its own, so that other tasks do not wait for the mail server.
                await asyncio.to_thread(email.send)
        except ApiError as error:
            logger.warning("mail: not sent: %s", error)
        except Exception as error:
            reason = _reason(error)
            is_bug = not isinstance(error, (OSError, *DATABASE_ERRORS))
            traceback = is_bug and (Exception, Exception(reason), error.__traceback__)
            logger.warning("mail: not sent: %s", reason, exc_info=traceback)


def _reason(error: Exception) -> str:
    """Return the class of an error and an SMTP server's codes. The error's text may quote the recipients."""
    refusals = getattr(error, "recipients", {}).values()  # of SMTPRecipientsRefused
    codes = [code for code, _ in refusals] or [getattr(error, "smtp_code", "")]
    return " ".join(map(str, [type(error).__name__, *codes])).strip()
