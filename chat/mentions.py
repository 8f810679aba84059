"""Whom messages name: `@Quiet Heron`, somebody of the room, whatever the spelling."""

import unicodedata
from collections.abc import Collection, Iterable
from itertools import accumulate, islice, takewhile
from typing import NamedTuple

import regex
from django.db import connection
from django.db.models import Prefetch, prefetch_related_objects

import live
from accounts.confusables import likenesses, without_edges
from accounts.display_names import LONGEST_PERSON
from accounts.models import User
from chat.markup import at_signs
from chat.models import Mention, Message, Room

# How many people a message names, at most, how many `@` are looked at, and how many places may be a name's.
MOST = 20
MOST_SIGNS = 500
MOST_PLACES = 50

# How many keys of a message are looked up, at most: as many as `MOST` people need in Chinese, where a name
# may end after each character.
MOST_KEYS = MOST * LONGEST_PERSON
LONGEST_KEY = User._meta.get_field("name_key").max_length or 255

# A letter with more marks than one of a name may have (`names.check_visible`): to put them in order costs the
# square of their number.
OVERLOADED = regex.compile(r".[\p{Mn}\p{Me}]{5}", regex.DOTALL)

# How many names are asked for in one query.
MOST_AT_ONCE = 10_000

# A letter or digit of a script that puts spaces between words, with the marks on it, but no letter that is
# drawn as punctuation (as in accounts/confusables.py). mentions.js has the same.
LETTER = r"(?=[\0-\u0dff\u1e00-\u1fff])(?![\u01c3\u02b9-\u02df\u02e5-\u02ff])[\p{L}\p{N}]"
MARKED = rf"{LETTER}\p{{M}}{{0,4}}"
# No mention begins within a word or an e-mail address, and no name ends within a word or a handle.
BEGIN = regex.compile(rf"(?<!{MARKED}[_+-]?)@(?=[^\s@])")
INSIDE = regex.compile(rf"(?<={MARKED})[.@+-]?_*+{LETTER}|\p{{M}}")

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

# Who has a name, and whether they have been in a room: by the room and the name's key.
People = dict[tuple[int, str], tuple[int, bool]]


class Named(NamedTuple):
    """What `find` has found in some texts."""

    places: dict[str, list[Spellings]]
    people: People


def find(texts: Iterable[str], rooms: Collection[int]) -> Named:
    """Look up whom these texts may name in these rooms. Call this before a transaction."""
    places = {text: list(_places(text)) for text in texts if "@" in text}
    keys = {key for found in places.values() for spellings in found for key in spellings}
    return Named(places, _people(keys, rooms) if keys else {})


def note(messages: Collection[Message], found: Named) -> None:
    """Store whom these messages name, of those who were found. They must be stored themselves."""
    asking = [message for message in messages if message.text in found.places]
    authors = {(message.room_id, message.author_id) for message in messages}  # their first, perhaps
    for message in asking:
        message.mentions = _named(message, found, authors)
    Mention.objects.bulk_create(
        [mention for message in asking for mention in message.mentions],
        update_conflicts=True,
        update_fields=["name"],
        unique_fields=["message", "user"],
    )


def renew(messages: Collection[Message], found: Named) -> set[int]:
    """`note` for messages that have changed. Returns the rooms of those that name or named a person."""
    note(messages, found)
    named = {(message.pk, mention.user_id) for message in messages for mention in message.mentions}
    stored = list(Mention.objects.filter(message__in=messages))
    gone = [mention.pk for mention in stored if (mention.message_id, mention.user_id) not in named]
    Mention.objects.filter(pk__in=gone).delete()
    return {mention.room_id for mention in stored}


def load(messages: Iterable[Message]) -> list[Message]:
    """The messages, of which it is then known whom they name: in one query, if they may name anybody."""
    loaded = list(messages)
    asked = [message for message in loaded if "@" in message.text]
    prefetch_related_objects(asked, Prefetch("mention_set", to_attr="mentions"))
    return loaded


def _places(text: str) -> Iterable[Spellings]:
    """What may be a name, place by place. All letters are normalized at once."""
    begins = (at + 1 for at in islice(at_signs(text), MOST_SIGNS) if BEGIN.match(text, at))
    windows = [(begin, _window(text, begin)) for begin in islice(begins, MOST_PLACES)]
    keys = iter(likenesses([letter for _, letters in windows for letter in letters]))
    left = MOST_KEYS
    for begin, letters in windows:
        spellings = _spellings(text, begin, letters, list(islice(keys, len(letters))))
        yield spellings
        left -= len(spellings)
        if left < LONGEST_PERSON:
            return


def _window(text: str, begin: int) -> list[str]:
    """The letters, each with its marks, in which a name may stand: no more than one has."""
    line, *_ = text[begin : begin + LONGEST_PERSON + 1].splitlines()
    letters = regex.findall(r"\X", OVERLOADED.split(line, maxsplit=1)[0])
    lengths = accumulate(len(unicodedata.normalize("NFKC", letter)) for letter in letters)
    fitting = takewhile(lambda length: length <= LONGEST_PERSON, lengths)
    return [letter for letter, _ in zip(letters, fitting, strict=False)]


def _spellings(text: str, begin: int, letters: list[str], keys: list[str]) -> Spellings:
    """The names from one place on, each by its key, which has no punctuation around it."""
    found: Spellings = {}
    key, end = "", begin
    for letter, its_key in zip(letters, keys, strict=True):
        end += len(letter)
        is_edge = not without_edges(letter)
        if letter.isspace():
            key += " " if key and not key.endswith(" ") else ""
        elif key or not is_edge:
            key += its_key
        if end - begin > LONGEST_PERSON or len(key) > LONGEST_KEY:
            break
        if not is_edge and not INSIDE.match(text, end):
            found.setdefault(key, text[begin:end])
    return dict(reversed(found.items()))


def _people(keys: Collection[str], rooms: Collection[int]) -> People:
    people: People = {}
    listed = list(keys)
    for start in range(0, len(listed), MOST_AT_ONCE):
        some = listed[start : start + MOST_AT_ONCE]
        with connection.cursor() as cursor:
            cursor.execute(NAMED.format(_marks(some), _marks(rooms)), [*some, *rooms])
            for room, key, person, has_been_there in cursor.fetchall():
                is_there = bool(has_been_there) or person in live.people_in(Room.topic_of(room))
                people[room, key] = person, is_there
    return people


def _named(message: Message, found: Named, authors: Collection[tuple[int, int]]) -> list[Mention]:
    """The first of them, in the order in which they are read again. To name oneself is nothing."""
    room, named = message.room_id, dict[int, str]()
    for spellings in found.places[message.text]:
        for key, name in spellings.items():
            person, is_there = found.people.get((room, key), (None, False))
            if person and (is_there or (room, person) in authors):
                named.setdefault(person, name)
                break
    named.pop(message.author_id, None)
    return [
        Mention(message=message, room_id=room, number=message.number, user_id=person, name=name)
        for person, name in sorted([*named.items()][:MOST])
    ]


def _marks(values: Collection) -> str:
    return ", ".join(["%s"] * len(values))
