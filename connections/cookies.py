"""Cookies of requests and handshakes. Hostile ones are possible: each is parsed once, in linear time."""

import re
import sys
from http import cookies
from typing import Any

from django.http import parse_cookie


def cookies_of(scope: dict[str, Any]) -> dict[str, str]:
    """Return the cookies of a scope, parsed as Django does, and cache them in the scope."""
    if "cookies" not in scope:
        values = (value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
        scope["cookies"] = parse_cookie(",".join(values))
    return scope["cookies"]


def unquote(value: str) -> str:
    """Unquote as `http.cookies` does since Python 3.11.10 and 3.12.6: before, it was slow (CVE-2024-7592)."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return re.sub(r"\\(?:([0-3][0-7][0-7])|(.))", unescape, value[1:-1])


def unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 8)) if match[1] else match[2]


if sys.version_info < (3, 11, 10) or (3, 12) <= sys.version_info < (3, 12, 6):
    cookies._unquote = unquote  # type: ignore[assignment, attr-defined]  # which Django uses
