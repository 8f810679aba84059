"""Rate limits of accounts: guests, sign-in attempts, email."""

from contextlib import suppress

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from base import names, ratelimit
from base.api_errors import ApiError
from base.ratelimit_keys import RateLimitKeys, person_keys
from live import PerLoop

# Forms that an address may submit for each failed attempt it is allowed: a whole class may sign in at once.
FORMS_PER_ATTEMPT = 10

# Failed attempts for an account per attempt of an address: a guesser at one address locks nobody out.
ACCOUNT_MULTIPLE = 5

# The length to which account names are compared (characters): that of an email address.
MAX_ACCOUNT_LENGTH = 254

# Emails of each kind to one address.
EMAILS_PER_HOUR = 4

EMAILS_PER_DAY = 10

# Confirmations that one account may send to an address, so that some are left for other accounts.
CONFIRMATIONS_PER_HOUR = 2

CONFIRMATIONS_PER_DAY = 4

# Confirmations that an account may send in total: their addresses may belong to strangers.
ACCOUNT_CONFIRMATIONS_PER_DAY = 10

get_guest_rate = PerLoop(
    lambda: ratelimit.per_hour(
        "guests", _("Too many new guests from your network."), settings.GUESTS_PER_HOUR
    )
)

get_attempt_rate = PerLoop(
    lambda: ratelimit.per_hour("tries", _("Too many attempts."), settings.TRIES_PER_HOUR, 0)
)

get_form_rate = PerLoop(
    lambda: ratelimit.per_hour(
        "forms", _("Too many attempts."), settings.TRIES_PER_HOUR * FORMS_PER_ATTEMPT, 0
    )
)

get_account_attempt_rate = PerLoop(
    lambda: ratelimit.per_hour(
        "tries for an account",
        _("Too many attempts for this account."),
        settings.TRIES_PER_HOUR * ACCOUNT_MULTIPLE,
        0,
    )
)

get_hourly_email_rate = PerLoop(
    lambda: ratelimit.per_hour("e-mails in an hour", _("Too many emails."), EMAILS_PER_HOUR, 0)
)

get_daily_email_rate = PerLoop(
    lambda: ratelimit.per_day("e-mails in a day", _("Too many emails."), EMAILS_PER_DAY, 0)
)

get_hourly_confirmation_rate = PerLoop(
    lambda: ratelimit.per_hour("confirmations in an hour", _("Too many emails."), CONFIRMATIONS_PER_HOUR, 0)
)

get_daily_confirmation_rate = PerLoop(
    lambda: ratelimit.per_day("confirmations in a day", _("Too many emails."), CONFIRMATIONS_PER_DAY, 0)
)

get_account_confirmation_rate = PerLoop(
    lambda: ratelimit.per_day(
        "confirmations of an account in a day",
        _("Too many emails."),
        ACCOUNT_CONFIRMATIONS_PER_DAY,
        0,
    )
)

get_download_rate = PerLoop(
    lambda: ratelimit.per_hour("downloads of data", _("Too many downloads."), settings.TASKS_PER_HOUR)
)


async def count_reset(address: str) -> None:
    """Count a password reset of an address. Raise `ApiError` if it exceeds the limit."""
    await _count_email(_hash_keys("reset", address))


async def count_confirmation(account: int, address: str) -> None:
    """Count a confirmation email; resets are counted separately. Raise `ApiError` over the limit."""
    sender = _hash_keys(f"confirmation.{account}", address)
    await get_hourly_confirmation_rate().hit(sender)
    await get_daily_confirmation_rate().hit(sender)
    await get_account_confirmation_rate().hit(RateLimitKeys(f"account.{account}"))
    await _count_email(_hash_keys("confirmation", address))


async def _count_email(address: RateLimitKeys) -> None:
    await get_hourly_email_rate().hit(address)
    await get_daily_email_rate().hit(address)


@async_to_sync
async def count_form(address: str, account: str) -> None:
    """Count a form with a password or a token. Raise `ApiError` if it exceeds the limit.

    Also raise it if the address or the account has too many failed attempts.
    """
    await get_attempt_rate().test(person_keys(None, address))
    await get_account_attempt_rate().test(_account_keys(account))
    await get_form_rate().hit(person_keys(None, address))


@async_to_sync
async def count_failure(address: str, account: str) -> None:
    """Count a failed attempt."""
    with suppress(ApiError):  # concurrent attempts may have reached the limit
        await get_attempt_rate().hit(person_keys(None, address))
        await get_account_attempt_rate().hit(_account_keys(account))


def _account_keys(account: str) -> RateLimitKeys:
    return _hash_keys("account", names.key(account[:MAX_ACCOUNT_LENGTH].strip()))


def _hash_keys(kind: str, typed: str) -> RateLimitKeys:
    """Return keys with a hash of a name or an address, so that Redis stores neither."""
    return RateLimitKeys(f"{kind}.{salted_hmac('chat.rate', typed).hexdigest()[:32]}")
