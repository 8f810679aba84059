"""The task worker that sends e-mail."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from django.core.mail import EmailMessage

from accounts import mail
from accounts.limits import take_confirmation, take_reset
from base.api_errors import ApiError
from base.database import BUSY

logger = logging.getLogger(__name__)


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
        except ApiError as error:
            logger.warning("mail: not sent: %s", error)
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
