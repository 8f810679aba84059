"""What names look like, by Unicode's list of characters that are taken for each other (TR39).

It comes with `confusable_homoglyphs`, as pairs. Of all that look alike one stands for the others, and is in
the most pairs: TR39's prototype. A name in prototypes is its skeleton.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product
from string import ascii_lowercase
from typing import NamedTuple

import regex
from confusable_homoglyphs import categories
from confusable_homoglyphs.utils import load

from base import names

# Scripts that are written together, none of whose letters look alike (TR39, "highly restrictive").
_WRITTEN_TOGETHER = [
    {"LATIN", "HAN", "HIRAGANA", "KATAKANA"},
    {"LATIN", "HAN", "BOPOMOFO"},
    {"LATIN", "HAN", "HANGUL"},
]
_DRAWN = [
    "LATIN LETTER SMALL CAPITAL",
    "NEGATIVE CIRCLED LATIN CAPITAL LETTER",
    "NEGATIVE SQUARED LATIN CAPITAL LETTER",
    "REGIONAL INDICATOR SYMBOL LETTER",
]
_EVERYWHERE = {"COMMON", "INHERITED"}  # digits, signs, emoji, marks


class NameKeys(NamedTuple):
    """What identifies a name. Two names with a key in common look alike, and only one person may have them.

    `key`: the name in one case, each letter replaced by the one that it looks like. `skeleton`: the same for
    the name as it is drawn, where a capital I looks like a small l. So AIl and All have a key in common, and
    Ali and All have none.
    """

    key: str
    skeleton: str

    @classmethod
    def of(cls, name: str) -> "NameKeys":
        return cls(likeness(name), likeness(skeleton(name)))


def likeness(name: str) -> str:
    """The key that all names share which look like this one or differ in case.

    Punctuation around a name is no difference.
    """
    composed = unicodedata.normalize("NFD", names.key(" ".join(name.split())))
    return _folded(without_edges(composed) or composed)


def likenesses(letters: Sequence[str]) -> list[str]:
    """The likeness of each letter, at the cost of one text. Joined, they are a name's, but for edges."""
    return _folded("\0".join(letters)).split("\0")


def without_edges(text: str) -> str:
    """Without the punctuation around it."""
    return _EDGES.sub("", text)


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFD", names.key(text))
    plain = names.without_invisible(folded).replace("i\u0307", "i").replace("j\u0307", "j")  # two dots in one
    prototypes = skeleton(with_capitals(plain)).casefold().translate(_SKELETON)
    return prototypes.casefold()


def skeleton(text: str) -> str:
    """Each character's prototype."""
    return names.without_invisible(unicodedata.normalize("NFD", text)).translate(_SKELETON)


def with_capitals(text: str) -> str:
    """Small letters whose capitals look like Latin ones, as those: в is b, as В is B."""
    return text.translate(_CAPITALS)


def look_like(prototype: str) -> str:
    """All characters with that prototype."""
    return "".join(chr(code) for code, each in _SKELETON.items() if each == prototype)


def mixes_scripts(name: str) -> bool:
    """Whether letters of scripts stand side by side that nobody writes together."""
    scripts = categories.unique_aliases(name) - _EVERYWHERE
    return len(scripts) > 1 and not any(scripts <= together for together in _WRITTEN_TOGETHER)


def _skeleton() -> dict[int, str]:
    """Each character's prototype, where that is another."""
    alike: dict[str, set[str]] = defaultdict(set)
    for one, others in load("confusables.json").items():
        alike[one.strip("\u200e")] |= {other["c"].strip("\u200e") for other in others}

    def prototype(text: str) -> str:
        return max({text, *alike.get(text, ())}, key=lambda each: (len(alike.get(each, ())), len(each), each))

    found = {ord(each): "".join(map(prototype, prototype(each))) for each in alike if len(each) == 1}
    return found | {code: found.get(ord(letter), letter) for code, letter in _drawn_letters()}


def _drawn_letters() -> Iterator[tuple[int, str]]:
    """Small capitals, and capitals in circles, squares and flags, which the list leaves out: ᴀ, 🅐, 🅰, 🇦."""
    for kind, letter in product(_DRAWN, ascii_lowercase):
        with suppress(KeyError):  # there is no small capital X
            yield ord(unicodedata.lookup(f"{kind} {letter}")), letter


def _capitals() -> dict[int, str]:
    """Small letters that look like no Latin one, whose capitals do: в, as В is taken for B."""
    small = (character.lower() for character in map(chr, _SKELETON))
    return {
        ord(letter): skeleton(letter.upper()).lower()
        for letter in small
        if len(letter) == 1 and not skeleton(letter).isascii() and skeleton(letter.upper()).isascii()
    }


# Punctuation, and the letters and signs that are drawn as punctuation: ʼ, ǃ, ꞉, tones. Not ー and 々, which
# names end with.
_EDGE = r"[\p{P}\s~^`\u01C3\u02B9-\u02DF\u02E5-\u02FF\uA4F8-\uA4FD\uA700-\uA71F\uA788-\uA78C]+"
_EDGES = regex.compile(f"^{_EDGE}|{_EDGE}$")
_SKELETON = _skeleton()
_CAPITALS = _capitals()
