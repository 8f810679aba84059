"""Rooms with many messages, copied in the database, and backups of it."""

import sqlite3
from contextlib import closing, contextmanager

from tests.servers.tab import tabs

FILL = """
    WITH RECURSIVE
        room(id) AS (SELECT id FROM chat_room WHERE name = :room),
        numbers(n) AS (
            SELECT max(number) + 1 FROM chat_message, room WHERE room_id = room.id
            UNION ALL SELECT n + 1 FROM numbers WHERE n < :count
        )
    INSERT INTO chat_message (room_id, number, seq, author_id, author_name, text, client_id, created_at)
    SELECT room_id, n, n, author_id, author_name, 'text ' || n, printf('%032x', n), created_at
    FROM chat_message, numbers, room WHERE room_id = room.id AND number = 1
"""


async def fill(server, room, count):
    """Send a message, and store many copies of it."""
    async with tabs(room, server) as (tab,):
        await tab.say("text 1")
        await tab.until_texts("text 1")
    grow(server, room, count)


def grow(server, room, count):
    """Store copies of the room's first message until it has this many messages."""
    with closing(sqlite3.connect(server.var_dir / "lobby.sqlite3")) as database, database:
        database.execute(FILL, {"room": room, "count": count})
        database.execute("UPDATE chat_room SET last_seq = ? WHERE name = ?", [count, room])


@contextmanager
def backup_of(server):
    """Take a backup of the database. The function that is yielded restores it while the server runs."""
    with (
        closing(sqlite3.connect(server.var_dir / "lobby.sqlite3")) as live,
        closing(sqlite3.connect(":memory:")) as backup,
    ):
        live.backup(backup)
        yield lambda: backup.backup(live)
