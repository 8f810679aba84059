"""The provider's signature: HMAC-SHA256 (RFC 2104) over when it was made and the body as it is sent.

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

# How far the provider's clock and ours may be apart, the way included (seconds).
TOLERANCE = 300

_FORM = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def sign(body: bytes, at: int) -> str:
    """The header for a body that is sent now."""
    return f"t={at},v1={_digest(body, str(at))}"


def check(header: str, body: bytes) -> None:
    """Raise `ApiError` unless the provider has signed this body in the last minutes."""
    match = _FORM.fullmatch(header)
    if match is None:
        detail = _("{header} must be t=<seconds>,v1=<64 hexadecimal digits>.")
        raise ApiError("forbidden", format_lazy(detail, header=HEADER))
    at, digest = match.groups()
    if not hmac.compare_digest(digest, _digest(body, at)):  # however much of it is right
        raise ApiError("forbidden", _("The signature doesn't match the body and the key."))
    if abs(time.time() - int(at)) > TOLERANCE:
        detail = _("The signature's time is more than {most} seconds off.")
        raise ApiError("forbidden", format_lazy(detail, most=TOLERANCE))


def _digest(body: bytes, at: str) -> str:
    return hmac.new(settings.PAYMENT_KEY.encode(), b"%s.%s" % (at.encode(), body), hashlib.sha256).hexdigest()
