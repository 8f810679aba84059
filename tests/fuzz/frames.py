"""Seed frames and values, shared by all fuzz tests."""

import json

CLIENT_ID = "0b6f0bd6-1a3a-4d5c-8a4e-000000000000"

VALID = [
    json.dumps(command)
    for command in [
        {"message": "hi"},
        {"type": "send", "message": "早上好 \ud83d\ude00", "client_id": CLIENT_ID},
        {"type": "edit", "number": 1, "message": "better"},
        {"type": "delete", "number": 2**53 - 1},
        {"type": "read", "seq": 0},
    ]
]

# What JSON is made of, and what has broken other decoders.
TOKENS = [
    *'{}[]:,"\\',
    "null",
    "true",
    "NaN",
    "-0",
    "1e400",
    "18446744073709551616",
    "\\u0000",
    "\\ud800",
    "\ufeff",
    '"type"',
    '"send"',
    '"edit"',
    '"delete"',
    '"read"',
    '"number"',
    '"message"',
    '"client_id"',
    "[" * 2000,
    '{"a":' * 2000,
]
