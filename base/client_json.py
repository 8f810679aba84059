"""JSON of clients, which may be anything."""

import msgspec

# Errors of decoding it: also of surrogates, of bytes that are not UTF-8, and of deeply nested unknown fields.
DECODE_ERRORS = (msgspec.DecodeError, UnicodeError, RecursionError)
