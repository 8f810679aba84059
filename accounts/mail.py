"""E-mail. A worker sends it, so that the time a page takes says nothing about who has an account.

Only a confirmation goes to an address that nobody has confirmed yet. It quotes nothing that a stranger wrote.
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

# How many accounts of an address one letter names.
MOST_ACCOUNTS = 20

_SALT = "chat.mail.confirmation"  # as in links that were sent before


def reset(email: str) -> LayerMessage:
    """The task to mail how to set a new password for the accounts with that address."""
    return _task("mail.reset", email=email)


def confirmation(user: User) -> LayerMessage:
    """The task to mail a link that confirms the user's address."""
    return _task("mail.confirmation", user=user.pk)


def _task(kind: str, **about: Any) -> LayerMessage:
    return LayerMessage("mail", {"type": kind, "language": get_language(), **about}, is_task=True)


def reset_email(email: str, language: str) -> EmailMessage | None:
    """One e-mail for all accounts of a confirmed address; None if there are none."""
    found = User.objects.filter(confirmed_email=User.normalize_address(email), is_active=True).exclude(
        confirmed_email=""
    )
    users = [user for user in found.order_by("pk")[:MOST_ACCOUNTS] if user.has_usable_password()]
    if not users:
        return None
    return _render("reset", users[0].confirmed_email, language, accounts=[*map(_account, users)])


def confirmation_email(pk: int, language: str) -> EmailMessage | None:
    """An e-mail with the link that confirms a user's address; None if there is nothing to confirm."""
    user = User.objects.filter(pk=pk, is_active=True).exclude(email="").first()
    if user is None or user.is_email_confirmed:
        return None
    return _render(
        "confirm", user.email, language, url=_url("confirm_email", token=_signer(user).sign(str(user.pk)))
    )


def confirmed_by(token: str) -> int:
    """The pk of the user whose address a link claims to confirm; 0 for none."""
    pk, _, _ = token.partition(":")
    return int(pk) if pk.isascii() and pk.isdigit() and len(pk) < 19 else 0


def is_confirmed_by(user: User, token: str) -> bool:
    """Whether a link was sent to the user's present address, and is not too old."""
    try:
        _signer(user).unsign(token, max_age=settings.PASSWORD_RESET_TIMEOUT)
    except signing.BadSignature:
        return False
    return True


def _signer(user: User) -> signing.TimestampSigner:
    """It signs the pk. The address is in the salt, so that neither a URL nor a log shows it."""
    return signing.TimestampSigner(salt=f"{_SALT}.{user.email}")


def _account(user: User) -> dict[str, str]:
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    url = _url("reset_password", uidb64=uid, token=default_token_generator.make_token(user))
    return {"username": user.username, "url": url}


def _url(name: str, **about: str) -> str:
    """Never built from a request: its Host header is the sender's."""
    return settings.SITE_URL + reverse(name, kwargs=about)


def _render(kind: str, to: str, language: str, **context: Any) -> EmailMessage:
    context["site"] = settings.SITE_URL
    with translation.override(language):
        subject = render_to_string(f"accounts/{kind}_subject.txt").strip()
        return EmailMessage(subject, render_to_string(f"accounts/{kind}_email.txt", context), to=[to])
