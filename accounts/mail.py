"""Email. A worker sends it, so that a page's response time does not reveal whether an account exists.

Only confirmations go to unconfirmed addresses. They quote no text that a stranger wrote.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import get_language

from accounts.models import User
from live import LayerMessage

# Accounts of an address that one email lists.
MAX_ACCOUNTS = 20

_SALT = "chat.mail.confirmation"  # do not change: links that were sent are signed with it


def make_reset_task(email: str) -> LayerMessage:
    """Return the task that sends links to reset the passwords of an address's accounts."""
    return _make_task("mail.reset", email=email)


def make_confirmation_task(user: User) -> LayerMessage:
    """Return the task that sends the link to confirm a user's address."""
    return _make_task("mail.confirmation", user=user.pk)


def _make_task(kind: str, **values: Any) -> LayerMessage:
    return LayerMessage("mail", {"type": kind, "language": get_language(), **values}, is_task=True)


def render_reset(email: str, language: str) -> EmailMessage | None:
    """Return one email for all accounts of a confirmed address; None if there are none."""
    found = User.objects.filter(confirmed_email=User.normalize_address(email), is_active=True).exclude(
        confirmed_email=""
    )
    users = [user for user in found.order_by("pk")[:MAX_ACCOUNTS] if user.has_usable_password()]
    if not users:
        return None
    return _render("reset", users[0].confirmed_email, language, accounts=[*map(_describe_account, users)])


def render_confirmation(pk: int, language: str) -> EmailMessage | None:
    """Return the email with the link to confirm a user's address; None if there is nothing to confirm."""
    user = User.objects.filter(pk=pk, is_active=True).exclude(email="").first()
    if user is None or user.is_email_confirmed:
        return None
    return _render(
        "confirm",
        user.email,
        language,
        url=_make_url("confirm_email", token=_make_signer(user).sign(str(user.pk))),
    )


def parse_user_pk(token: str) -> int:
    """Return the user's pk from a link's token, without verifying the token; 0 if it has none."""
    pk, _, _ = token.partition(":")
    return int(pk) if pk.isascii() and pk.isdigit() and len(pk) < 19 else 0


def is_valid_token(user: User, token: str) -> bool:
    """Return whether a token was sent to the user's current address and has not expired."""
    try:
        _make_signer(user).unsign(token, max_age=settings.PASSWORD_RESET_TIMEOUT)
    except signing.BadSignature:
        return False
    return True


def _make_signer(user: User) -> signing.TimestampSigner:
    """Return the signer of a user's pk. The address is in the salt only: no URL and no log shows it."""
    return signing.TimestampSigner(salt=f"{_SALT}.{user.email}")


def _describe_account(user: User) -> dict[str, str]:
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    url = _make_url("reset_password", uidb64=uid, token=default_token_generator.make_token(user))
    return {"username": user.username, "url": url}


def _make_url(name: str, **values: str) -> str:
    """Return an absolute URL. It does not depend on the request: a client can forge the Host header."""
    return settings.SITE_URL + reverse(name, kwargs=values)


def _render(kind: str, to: str, language: str, **context: Any) -> EmailMessage:
    context["site"] = settings.SITE_URL
    with translation.override(language):
        subject = render_to_string(f"accounts/{kind}_subject.txt").strip()
        return EmailMessage(subject, render_to_string(f"accounts/{kind}_email.txt", context), to=[to])
