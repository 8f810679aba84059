"""Whom messages name: `@Quiet Heron`, somebody of the room, whatever the spelling."""

import re
from collections.abc import Collection, Iterable
from itertools import islice

from django.db import connection
from django.db.models import Prefetch, prefetch_related_objects

import live
from chat.likeness import likeness
from chat.models import Mention, Message, Room
from chat.names import LONGEST_PERSON

# How many people a message names, at most, and at how many places it is looked for them.
MOST = 20
MOST_PLACES = 50

# How many names are asked for in one query.
MOST_AT_ONCE = 10_000

# A letter or digit of a script that puts spaces between words: no name begins or ends between two of them.
LETTER = r"(?=[\0-\u0dff\u1e00-\u1fff])[^\W_]"
BEGIN = re.compile(rf"(?<!{LETTER})@(?=\S)")
INSIDE = re.compile(LETTER * 2)

# Who has one of these names, and whether they have been in these rooms. In one statement, for which Django
# has no words.
NAMED = """
    SELECT room.id, person.name_key, person.id,
        EXISTS (SELECT 1 FROM chat_membership WHERE user_id = person.id AND room_id = room.id)
        OR EXISTS (SELECT 1 FROM chat_message WHERE author_id = person.id AND room_id = room.id)
    FROM chat_user person CROSS JOIN chat_room room
    WHERE person.name_key IN ({}) AND room.id IN ({}) AND person.is_active
"""

# What may be a name at one place, the longest first: its key, and how it is written.
Spellings = dict[str, str]

# Who has a name, of those of a room.
People = dict[tuple[int, str], int]


def note(messages: Iterable[Message]) -> None:
    """Find whom these messages name, and store it. They must be stored themselves."""
    asking = {message: list(_places(message.text)) for message in messages if "@" in message.text}
    if not asking:
        return
    keys = {key for places in asking.values() for spellings in places for key in spellings}
    people = _people(keys, {message.room_id for message in asking})
    for message, places in asking.items():
        message.mentions = _named(message, places, people)
    Mention.objects.bulk_create(
        [mention for message in asking for mention in message.mentions],
        update_conflicts=True,
        update_fields=["name"],
        unique_fields=["message", "user"],
    )


def renew(message: Message) -> bool:
    """`note` for a message that has changed; whether anybody was named in it or is."""
    note([message])
    named = [mention.user_id for mention in message.mentions]
    gone, _ = message.mention_set.exclude(user__in=named).delete()
    return bool(gone or named)


def load(messages: Iterable[Message]) -> list[Message]:
    """The messages, of which it is then known whom they name: in one query, if they may name anybody."""
    loaded = list(messages)
    asked = [message for message in loaded if "@" in message.text]
    prefetch_related_objects(asked, Prefetch("mention_set", to_attr="mentions"))
    return loaded


def _places(text: str) -> Iterable[Spellings]:
    for found in islice(BEGIN.finditer(text), MOST_PLACES):
        after, *_ = text[found.end() : found.end() + LONGEST_PERSON + 1].splitlines()
        ends = range(min(len(after), LONGEST_PERSON), 0, -1)
        written = [after[:end] for end in ends if not INSIDE.match(after, end - 1)]
        yield {likeness(each): each for each in written if not each[-1].isspace()}


def _people(keys: Collection[str], rooms: Collection[int]) -> People:
    people: People = {}
    listed = list(keys)
    for start in range(0, len(listed), MOST_AT_ONCE):
        some = listed[start : start + MOST_AT_ONCE]
        with connection.cursor() as cursor:
            cursor.execute(NAMED.format(_marks(some), _marks(rooms)), [*some, *rooms])
            for room, key, person, has_been_there in cursor.fetchall():
                if has_been_there or person in live.people_in(Room.topic_of(room)):
                    people[room, key] = person
    return people


def _named(message: Message, places: Iterable[Spellings], people: People) -> list[Mention]:
    """The first of them, in the order in which they are read again. To name oneself is nothing."""
    room, found = message.room_id, dict[int, str]()
    for spellings in places:
        if key := next((key for key in spellings if (room, key) in people), None):
            found.setdefault(people[room, key], spellings[key])
    found.pop(message.author_id, None)
    return [
        Mention(message=message, room_id=room, number=message.number, user_id=person, name=name)
        for person, name in sorted([*found.items()][:MOST])
    ]


def _marks(values: Collection) -> str:
    return ", ".join(["%s"] * len(values))
