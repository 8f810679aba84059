"""How often somebody may do what, in the chat."""

from contextlib import suppress

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from live import OfLoop, Refused, names, rate
from live.who import Who, who

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

get_message_rate = rate.get_message_rate
get_change_rate = rate.get_change_rate
get_guest_rate = OfLoop(
    lambda: rate.hourly("guests", _("too many new guests from your address"), settings.GUESTS_PER_HOUR)
)
get_room_rate = OfLoop(lambda: rate.hourly("rooms", _("too many new rooms"), settings.ROOMS_PER_HOUR))
get_transcript_rate = OfLoop(
    lambda: rate.hourly("transcripts", _("too many transcripts"), settings.TASKS_PER_HOUR)
)
get_try_rate = OfLoop(lambda: rate.hourly("tries", _("too many tries"), settings.TRIES_PER_HOUR, 0))
get_form_rate = OfLoop(
    lambda: rate.hourly("forms", _("too many tries"), settings.TRIES_PER_HOUR * FORMS_OF_AN_ADDRESS, 0)
)
get_account_rate = OfLoop(
    lambda: rate.hourly(
        "tries for an account",
        _("too many tries for this account"),
        settings.TRIES_PER_HOUR * TRIES_OF_AN_ACCOUNT,
        0,
    )
)

get_hour_of_email = OfLoop(
    lambda: rate.hourly("e-mails in an hour", _("too many e-mails"), EMAILS_PER_HOUR, 0)
)
get_day_of_email = OfLoop(lambda: rate.daily("e-mails in a day", _("too many e-mails"), EMAILS_PER_DAY, 0))


get_hour_of_confirmations = OfLoop(
    lambda: rate.hourly("confirmations in an hour", _("too many e-mails"), CONFIRMATIONS_PER_HOUR, 0)
)
get_day_of_confirmations = OfLoop(
    lambda: rate.daily("confirmations in a day", _("too many e-mails"), CONFIRMATIONS_PER_DAY, 0)
)


get_day_of_account = OfLoop(
    lambda: rate.daily(
        "confirmations of an account in a day",
        _("too many e-mails"),
        CONFIRMATIONS_OF_ACCOUNT_PER_DAY,
        0,
    )
)


async def take_reset(address: str) -> None:
    """Count a reset to an address. Raises `Refused`."""
    await _take_email(_hashed("reset", address))


async def take_confirmation(account: int, address: str) -> None:
    """Count a confirmation of an account's address, apart from resets. Raises `Refused`."""
    sender = _hashed(f"confirmation.{account}", address)
    await get_hour_of_confirmations().take(sender)
    await get_day_of_confirmations().take(sender)
    await get_day_of_account().take(Who(f"account.{account}"))
    await _take_email(_hashed("confirmation", address))


async def _take_email(address: Who) -> None:
    await get_hour_of_email().take(address)
    await get_day_of_email().take(address)


@async_to_sync
async def take_form(address: str, account: str) -> None:
    """Count a form that signs up, signs in, or proves in another way who sends it. Raises `Refused`.

    Also raises it after too many failed tries of the address or for the account.
    """
    await get_try_rate().check(who(None, address))
    await get_account_rate().check(_account(account))
    await get_form_rate().take(who(None, address))


@async_to_sync
async def count_failure(address: str, account: str) -> None:
    """Count a try that failed."""
    with suppress(Refused):  # others failed at the same time
        await get_try_rate().take(who(None, address))
        await get_account_rate().take(_account(account))


def _account(account: str) -> Who:
    return _hashed("account", names.key(account[:LONGEST_ACCOUNT].strip()))


def _hashed(kind: str, typed: str) -> Who:
    """A name or an address as Redis has it: as a hash with the server's secret."""
    return Who(f"{kind}.{salted_hmac('chat.rate', typed).hexdigest()[:32]}")
