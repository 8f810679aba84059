"""Fills rooms with history: python -m benchmarks.fill NAME HOW_MANY ..., with Lobby's environment (SQLite).

The first message is sent as any is. The others are copies of its row, so that they have every column.
"""

import sys
from uuid import uuid4

import django

# What a copy has of its own; i is its number.
OWN = {
    "number": "i",
    "seq": "i",
    "client_id": "lower(hex(randomblob(16)))",
    "text": "'Message ' || i || ', about as long as people write in a chat'",
}


def main() -> None:
    django.setup()
    from django.db import connection

    from accounts.actions import create_guest
    from chat import actions

    connection.cursor().execute("PRAGMA synchronous = OFF")
    connection.cursor().execute("PRAGMA cache_size = -1000000")  # a gigabyte: the indexes are in no order
    author = create_guest()
    for name, size in zip(sys.argv[1::2], map(int, sys.argv[2::2]), strict=True):
        room = actions.open_room(name)
        message, _ = actions.send(author, room, "The first", uuid4())
        copy(message, size)
        room.last_seq = size
        room.save(update_fields=["last_seq"])


def copy(message, size: int) -> None:
    """Put copies after the first message, up to `size`."""
    from django.db import connection

    table = message._meta.db_table
    columns = [field.column for field in message._meta.concrete_fields if not field.primary_key]
    values = [OWN.get(column, f"first.{column}") for column in columns]
    connection.cursor().execute(
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608
        "WITH RECURSIVE numbers (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM numbers WHERE i < %s) "
        f"SELECT {', '.join(values)} FROM numbers, {table} AS first WHERE first.id = %s",
        [size, message.pk],
    )


if __name__ == "__main__":
    main()
