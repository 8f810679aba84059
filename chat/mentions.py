"""Mentions in messages, such as `@Quiet Heron`: people of the room, matched by normalized name.

A person whom the author chose for a name is mentioned even if renamed since, or if another person has it.
"""

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from itertools import accumulate, islice, takewhile
from typing import NamedTuple

import regex
from django.db import connection
from django.db.models import Prefetch, prefetch_related_objects

import live
from accounts.confusables import letter_likenesses, strip_punctuation
from accounts.display_names import MAX_NAME_LENGTH
from accounts.models import User
from chat import permissions
from chat.markup import find_at_signs
from chat.models import Mention, Message, Role, Room, RoomKind
from chat.protocol import MAX_MENTIONS

# Limits of a message: `@` signs examined, and places that are matched with names.
MAX_AT_SIGNS = 500
MAX_PLACES = 50

# How many keys of a message are looked up: enough for `MAX_MENTIONS` people in Chinese, where a name may end
# after each character.
MAX_KEYS = MAX_MENTIONS * MAX_NAME_LENGTH
MAX_KEY_LENGTH = User._meta.get_field("name_key").max_length or 255

# A letter with more marks than names allow (`names.check_visible`): sorting the marks takes quadratic time.
OVERLOADED = regex.compile(r".[\p{Mn}\p{Me}]{5}", regex.DOTALL)

# A letter or digit of a script with spaces between words, and its marks, except letters that look like
# punctuation (as in accounts/confusables.py). mentions.js has the same.
LETTER = r"(?=[\0-\u0dff\u1e00-\u1fff])(?![\u01c3\u02b9-\u02df\u02e5-\u02ff])[\p{L}\p{N}]"
MARKED = rf"{LETTER}\p{{M}}{{0,4}}"
# Mentions do not start within words or email addresses; names do not end within words or handles.
BEGIN = regex.compile(rf"(?<!{MARKED}[_+-]?)@(?=[^\s@])")
INSIDE = regex.compile(rf"(?<={MARKED})[.@+-]?_*+{LETTER}|\p{{M}}")

# People for pairs of a room and a name, and of a room and a primary key, and whether they are known in that
# room: members of a private one, and people who have written or have a role in an open one. One statement,
# which the ORM cannot express. (For SQLite, `CROSS JOIN` means the order of the loops.)
FIND_PEOPLE = """
    WITH named (room, name_key) AS (VALUES {}),
        chosen (room, person) AS (VALUES {}),
        wanted (room, person) AS (
            SELECT room, person.id FROM named CROSS JOIN chat_user person
            WHERE person.name_key = named.name_key
            UNION SELECT room, person FROM chosen
        )
    SELECT room, person.name_key, person.id,
        EXISTS (
            SELECT 1 FROM chat_membership JOIN chat_room ON chat_room.id = room_id
            WHERE user_id = person.id AND room_id = room AND (role <> %s OR kind <> %s)
        )
        OR EXISTS (SELECT 1 FROM chat_message WHERE author_id = person.id AND room_id = room)
    FROM wanted CROSS JOIN chat_user person WHERE person.id = wanted.person AND person.is_active
"""

# Candidates for the name at one place, longest first: the key, and the name as written.
NamesByKey = dict[str, str]

# By room, and by primary key and key of the name: the person, and whether they are known in the room or
# present.
People = dict[tuple[int, int | str | None], tuple[int, bool]]


class Place(NamedTuple):
    """A place in a text where a name may begin, and the candidates for names that anybody may have."""

    begin: int
    names: NamesByKey


class Draft(NamedTuple):
    """Text for a room, and the people whom its author chose."""

    room: int
    text: str
    chosen: Sequence[tuple[int, str]] = ()  # see `Message.chosen`


class Candidates(NamedTuple):
    """Candidates for mentions in some texts: their places, and the people."""

    places: dict[str, list[Place]]
    people: People


def find_candidates(drafts: Iterable[Draft]) -> Candidates:
    """Look up the people whom these texts may mention. Call this before the transaction."""
    asking = [draft for draft in drafts if "@" in draft.text]
    places = {text: list(_find_places(text)) for text in {draft.text for draft in asking}}
    named = {(draft.room, key) for draft in asking for place in places[draft.text] for key in place.names}
    chosen = {(draft.room, pk) for draft in asking if places[draft.text] for pk, _ in draft.chosen}
    return Candidates(places, _find_people(named, chosen) if named or chosen else {})


def count_places(text: str) -> int:
    """Return in how many places a text may mention people, whether or not they exist."""
    return sum(1 for _begin in _find_begins(text))


def store_mentions(messages: Collection[Message], found: Candidates, stored: Iterable[Mention] = ()) -> None:
    """Store the mentions of these messages, which must be stored themselves; `stored` are those they had."""
    asking = [message for message in messages if message.text in found.places]
    authors = {(message.room_id, message.author_id) for message in messages}  # may be new there
    known = authors | {(mention.room_id, mention.user_id) for mention in stored}  # may have left
    for message in asking:
        message.mentions = _make_mentions(message, found, known)
    Mention.objects.bulk_create(
        [mention for message in asking for mention in message.mentions],
        update_conflicts=True,
        update_fields=["name"],
        unique_fields=["message", "user"],
    )


def update_mentions(messages: Collection[Message], found: Candidates) -> set[int]:
    """Update the mentions of changed messages. Return the rooms of those that mention or mentioned people."""
    stored = list(Mention.objects.filter(message__in=messages))
    store_mentions(messages, found, stored)
    named = {(message.pk, mention.user_id) for message in messages for mention in message.mentions}
    gone = [mention.pk for mention in stored if (mention.message_id, mention.user_id) not in named]
    Mention.objects.filter(pk__in=gone).delete()
    mentioning = {message.room_id for message in messages if message.mentions}
    return mentioning | {mention.room_id for mention in stored}


def load_mentions(messages: Iterable[Message]) -> list[Message]:
    """Return the messages with their mentions loaded, in at most one query."""
    loaded = list(messages)
    asked = [message for message in loaded if "@" in message.text]
    prefetch_related_objects(asked, Prefetch("mention_set", to_attr="mentions"))
    return loaded


def _find_places(text: str) -> Iterable[Place]:
    """Yield the places where a name may begin. All letters are normalized at once."""
    windows = [(begin, _find_letters(text, begin)) for begin in _find_begins(text)]
    keys = iter(letter_likenesses([letter for _, letters in windows for letter in letters]))
    left = MAX_KEYS
    for begin, letters in windows:
        names = _names_at(text, begin, letters, list(islice(keys, len(letters))))
        yield Place(begin, names)
        left -= len(names)
        if left < MAX_NAME_LENGTH:
            return


def _find_begins(text: str) -> Iterable[int]:
    """Yield the positions at which names may begin."""
    begins = (at + 1 for at in islice(find_at_signs(text), MAX_AT_SIGNS) if BEGIN.match(text, at))
    return islice(begins, MAX_PLACES)


def _find_letters(text: str, begin: int) -> list[str]:
    """Return the letters after a place, each with its marks, up to the length of a name."""
    line, *_ = text[begin : begin + MAX_NAME_LENGTH + 1].splitlines()
    letters = regex.findall(r"\X", OVERLOADED.split(line, maxsplit=1)[0])
    lengths = accumulate(len(unicodedata.normalize("NFKC", letter)) for letter in letters)
    fitting = takewhile(lambda length: length <= MAX_NAME_LENGTH, lengths)
    return [letter for letter, _ in zip(letters, fitting, strict=False)]


def _names_at(text: str, begin: int, letters: list[str], keys: list[tuple[str, bool]]) -> NamesByKey:
    """Return the candidates at one place, by their keys: of signs only, or of letters without signs."""
    found: NamesByKey = {}
    key, end, has_letters = "", begin, False
    for letter, (its_key, is_sign) in zip(letters, keys, strict=True):
        end += len(letter)
        may_end = False
        if letter.isspace():
            key += " " if key and not key.endswith(" ") else ""
        elif not is_sign:
            key = key + its_key if has_letters else its_key
            may_end = has_letters = True
        elif not has_letters:
            may_end = bool(strip_punctuation(letter))
            key += its_key if key or may_end else ""
        if end - begin > MAX_NAME_LENGTH or len(key) > MAX_KEY_LENGTH:
            break
        if may_end and not INSIDE.match(text, end):
            found.setdefault(key, text[begin:end])
    return dict(reversed(found.items()))


def _find_people(named: Collection[tuple[int, str]], chosen: Collection[tuple[int, int]]) -> People:
    """Return the people for these pairs. The cost of a batch limits them (see `message_writer.py`)."""
    people: People = {}
    named, chosen = named or [(0, "")], chosen or [(0, 0)]  # SQL has no empty list
    pairs: list[tuple[int, int | str]] = [*named, *chosen]
    sql = FIND_PEOPLE.format(_placeholders(named), _placeholders(chosen))
    with connection.cursor() as cursor:
        cursor.execute(sql, [*(value for pair in pairs for value in pair), Role.MEMBER, RoomKind.OPEN])
        rows = cursor.fetchall()
    allowed = permissions.with_access({(room, person) for room, _, person, _ in rows})
    for room, key, person, is_known in rows:
        if (room, person) in allowed:
            is_there = bool(is_known) or person in live.people_in(Room.topic_of(room))
            people[room, key] = people[room, person] = person, is_there
    return people


def _make_mentions(message: Message, found: Candidates, known: Collection[tuple[int, int]]) -> list[Mention]:
    """Return the message's first mentions, ordered by person. Mentions of the author do not count."""
    room, named = message.room_id, dict[int, str]()
    for place in found.places[message.text]:
        for name, key in _names_in(message, place):
            person, is_there = found.people.get((room, key), (None, False))
            if person and (is_there or (room, person) in known):
                named.setdefault(person, name)
                break
    named.pop(message.author_id, None)
    return [
        Mention(message=message, room_id=room, number=message.number, user_id=person, name=name)
        for person, name in sorted([*named.items()][:MAX_MENTIONS])
    ]


def _names_in(message: Message, place: Place) -> list[tuple[str, int | str]]:
    """Return the names at a place, each with the chosen person or its key: longer and chosen ones first."""
    text, begin = message.text, place.begin
    chosen = [
        (name, person)
        for person, name in message.chosen
        if text.startswith(name, begin) and not INSIDE.match(text, begin + len(name))
    ]
    others = [(name, key) for key, name in place.names.items()]
    return sorted([*chosen, *others], key=lambda each: len(each[0]), reverse=True)


def _placeholders(pairs: Collection) -> str:
    return ", ".join(["(%s, %s)"] * len(pairs))
