"""Signature of the payment provider: HMAC-SHA256 (RFC 2104) of the time and the unchanged body.

The header `Lobby-Signature` is `t=<seconds since 1970>,v1=<64 hexadecimal digits>`.
"""

import hashlib
import hmac
import re
import time

from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from base.api_errors import ApiError

HEADER = "Lobby-Signature"

# Maximum difference of the provider's clock and ours, with the transport (seconds).
TOLERANCE = 300

_FORMAT = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def sign(body: bytes, at: int) -> str:
    """Return the header of a body that is sent at a time (seconds since 1970)."""
    return f"t={at},v1={_digest(body, str(at))}"


def check(header: str, body: bytes) -> None:
    """Raise `ApiError` unless the provider signed the body within the last minutes."""
    match = _FORMAT.fullmatch(header)
    if match is None:
        detail = _("{header} must be t=<seconds>,v1=<64 hexadecimal digits>.")
        raise ApiError("forbidden", format_lazy(detail, header=HEADER))
    at, digest = match.groups()
    if not hmac.compare_digest(digest, _digest(body, at)):  # in constant time
        raise ApiError("forbidden", _("The signature doesn't match the body and the key."))
    if abs(time.time() - int(at)) > TOLERANCE:
        detail = _("The signature's time is more than {most} seconds off.")
        raise ApiError("forbidden", format_lazy(detail, most=TOLERANCE))


def _digest(body: bytes, at: str) -> str:
    return hmac.new(settings.PAYMENT_KEY.encode(), b"%s.%s" % (at.encode(), body), hashlib.sha256).hexdigest()
