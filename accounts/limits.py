"""Rate limits of accounts: guests, sign-in attempts, e-mail."""

from contextlib import suppress

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from base import names, ratelimit
from base.api_errors import ApiError
from base.ratelimit_keys import RateLimitKeys, person_keys
from live import PerLoop

# How many times more forms that may hash a password an address sends than it fails: a class signs in at once.
FORMS_OF_AN_ADDRESS = 10

# How many more tries an account bears than an address has: who guesses from one address locks nobody out.
TRIES_OF_AN_ACCOUNT = 5

# The longest name of an account that is told from others (characters, as an e-mail address).
LONGEST_ACCOUNT = 254

# How many e-mails of a kind are sent to one address.
EMAILS_PER_HOUR = 4

EMAILS_PER_DAY = 10

# How many of the confirmations of an address one account has sent there, so that it leaves some to others.
CONFIRMATIONS_PER_HOUR = 2

CONFIRMATIONS_PER_DAY = 4

# How many confirmations an account sends in all: to strangers, if somebody means harm.
CONFIRMATIONS_OF_ACCOUNT_PER_DAY = 10

get_guest_rate = PerLoop(
    lambda: ratelimit.per_hour(
        "guests", _("Too many new guests from your network."), settings.GUESTS_PER_HOUR
    )
)

get_try_rate = PerLoop(
    lambda: ratelimit.per_hour("tries", _("Too many attempts."), settings.TRIES_PER_HOUR, 0)
)

get_form_rate = PerLoop(
    lambda: ratelimit.per_hour(
        "forms", _("Too many attempts."), settings.TRIES_PER_HOUR * FORMS_OF_AN_ADDRESS, 0
    )
)

get_account_rate = PerLoop(
    lambda: ratelimit.per_hour(
        "tries for an account",
        _("Too many attempts for this account."),
        settings.TRIES_PER_HOUR * TRIES_OF_AN_ACCOUNT,
        0,
    )
)

get_hour_of_email = PerLoop(
    lambda: ratelimit.per_hour("e-mails in an hour", _("Too many emails."), EMAILS_PER_HOUR, 0)
)

get_day_of_email = PerLoop(
    lambda: ratelimit.per_day("e-mails in a day", _("Too many emails."), EMAILS_PER_DAY, 0)
)

get_hour_of_confirmations = PerLoop(
    lambda: ratelimit.per_hour("confirmations in an hour", _("Too many emails."), CONFIRMATIONS_PER_HOUR, 0)
)

get_day_of_confirmations = PerLoop(
    lambda: ratelimit.per_day("confirmations in a day", _("Too many emails."), CONFIRMATIONS_PER_DAY, 0)
)

get_day_of_account = PerLoop(
    lambda: ratelimit.per_day(
        "confirmations of an account in a day",
        _("Too many emails."),
        CONFIRMATIONS_OF_ACCOUNT_PER_DAY,
        0,
    )
)


async def take_reset(address: str) -> None:
    """Count a reset to an address. Raises `ApiError`."""
    await _take_email(_hashed("reset", address))


async def take_confirmation(account: int, address: str) -> None:
    """Count a confirmation of an account's address, apart from resets. Raises `ApiError`."""
    sender = _hashed(f"confirmation.{account}", address)
    await get_hour_of_confirmations().hit(sender)
    await get_day_of_confirmations().hit(sender)
    await get_day_of_account().hit(RateLimitKeys(f"account.{account}"))
    await _take_email(_hashed("confirmation", address))


async def _take_email(address: RateLimitKeys) -> None:
    await get_hour_of_email().hit(address)
    await get_day_of_email().hit(address)


@async_to_sync
async def take_form(address: str, account: str) -> None:
    """Count a form that signs up, signs in, or proves in another way who sends it. Raises `ApiError`.

    Also raises it after too many failed tries of the address or for the account.
    """
    await get_try_rate().test(person_keys(None, address))
    await get_account_rate().test(_account(account))
    await get_form_rate().hit(person_keys(None, address))


@async_to_sync
async def count_failure(address: str, account: str) -> None:
    """Count a try that failed."""
    with suppress(ApiError):  # others failed at the same time
        await get_try_rate().hit(person_keys(None, address))
        await get_account_rate().hit(_account(account))


def _account(account: str) -> RateLimitKeys:
    return _hashed("account", names.key(account[:LONGEST_ACCOUNT].strip()))


def _hashed(kind: str, typed: str) -> RateLimitKeys:
    """A name or an address as Redis has it: as a hash with the server's secret."""
    return RateLimitKeys(f"{kind}.{salted_hmac('chat.rate', typed).hexdigest()[:32]}")
