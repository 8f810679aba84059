"""Fills rooms with history: python -m benchmarks.fill NAME SIZE ..., with Lobby's environment (SQLite).

The first message is sent like any other. The others are copies of its row, with all of its columns.
"""

import sys
from uuid import uuid4

import django

# SQL for the columns that differ in each copy; i is the number of the copy.
COPY_VALUES = {
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
    """Insert copies of the first message until the room has `size` messages."""
    from django.db import connection

    table = message._meta.db_table
    columns = [field.column for field in message._meta.concrete_fields if not field.primary_key]
    values = [COPY_VALUES.get(column, f"first.{column}") for column in columns]
    connection.cursor().execute(
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608
        "WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < %s) "
        f"SELECT {', '.join(values)} FROM numbers, {table} AS first WHERE first.id = %s AND i > 1",
        [size, message.pk],
    )


if __name__ == "__main__":
    main()
