"""Task worker that sends email."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from typing import Any

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from django.core.mail import EmailMessage, get_connection

from accounts import mail
from accounts.limits import count_confirmation, count_reset
from base.api_errors import ApiError
from base.database import DATABASE_ERRORS

logger = logging.getLogger(__name__)

# How many emails are sent at the same time, and how long each may take (seconds).
MAX_SENDING = 4
SEND_TIMEOUT = 30

# Delays before further attempts (seconds).
RETRY_DELAYS = (60, 600)

# How many emails a worker has, those included that wait for another attempt.
MAX_PENDING = 100

Count = Callable[[str], Awaitable[None]]
Render = Callable[..., EmailMessage | None]

_threads = ThreadPoolExecutor(MAX_SENDING, "mail")


class MailWorker(AsyncConsumer):
    """Consumer that sends email, each in a task of its own: Channels calls one handler at a time."""

    channel_layer_alias = None

    def __init__(self) -> None:
        self.pending: dict[asyncio.Task[None], None] = {}  # the oldest stands first
        self._places = asyncio.Semaphore(MAX_SENDING)

    async def mail_reset(self, message):
        self.start(self.deliver(count_reset, mail.render_reset, message["email"], message["language"]))

    async def mail_confirmation(self, message):
        count = partial(count_confirmation, message["user"])
        self.start(self.deliver(count, mail.render_confirmation, message["user"], message["language"]))

    def start(self, delivery: Coroutine[Any, Any, None]) -> None:
        """Run a delivery. If there are too many, cancel the oldest."""
        if len(self.pending) >= MAX_PENDING:
            logger.warning("mail: not sent: %s others are pending", MAX_PENDING)
            oldest = next(iter(self.pending))
            del self.pending[oldest]
            oldest.cancel()
        task = asyncio.create_task(delivery)
        self.pending[task] = None
        task.add_done_callback(lambda task: self.pending.pop(task, None))

    async def deliver(self, count: Count, render: Render, *arguments) -> None:
        """Send an email. Retry after temporary errors.

        Count it once for each address: the account may change its own between two attempts.
        """
        counted = ""
        for delay in (0, *RETRY_DELAYS):
            await asyncio.sleep(delay)
            try:
                async with self._places:
                    if email := await database_sync_to_async(render)(*arguments):
                        (address,) = email.to
                        if address != counted:
                            await count(address)
                            counted = address
                        await send(email)
                return
            except ApiError as error:
                logger.warning("mail: not sent: %s", error)
                return
            except Exception as error:
                _log(error)
                if not _may_pass(error):
                    return


async def send(email: EmailMessage) -> None:
    """Send an email in a thread. Disconnect after a timeout (`TimeoutError`), or when cancelled."""
    connection: Any = get_connection()
    email.connection = connection
    try:
        async with asyncio.timeout(SEND_TIMEOUT):
            await asyncio.get_running_loop().run_in_executor(_threads, email.send)
    except (TimeoutError, asyncio.CancelledError):
        with suppress(AttributeError, OSError):  # it is not connected
            connection.connection.sock.shutdown(socket.SHUT_RDWR)  # or its thread would wait on
        raise


def _may_pass(error: Exception) -> bool:
    """Return whether another attempt may succeed: not if the mail server refuses for good."""
    is_outside = isinstance(error, (OSError, *DATABASE_ERRORS))  # SMTPException is an OSError
    return is_outside and not any(code >= 500 for code in _codes(error))


def _codes(error: Exception) -> list[int]:
    """Return the codes of an SMTP server's refusal."""
    if isinstance(error, SMTPRecipientsRefused):
        return [code for code, _ in error.recipients.values()]
    return [error.smtp_code] if isinstance(error, SMTPResponseException) else []


def _log(error: Exception) -> None:
    """Log the class of an error and an SMTP server's codes. The error's text may quote the recipients."""
    reason = " ".join(map(str, [type(error).__name__, *_codes(error)]))
    is_bug = not isinstance(error, (OSError, *DATABASE_ERRORS))
    traceback = is_bug and (Exception, Exception(reason), error.__traceback__)
    logger.warning("mail: not sent: %s", reason, exc_info=traceback)
