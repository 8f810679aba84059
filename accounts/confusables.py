"""Confusable names, by Unicode's list of characters that look alike (TR39).

The package `confusable_homoglyphs` has the list, as pairs. Of all characters that look alike, the one in the
most pairs stands for the others: TR39's prototype. A name in prototypes is its skeleton.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import product
from string import ascii_lowercase
from typing import NamedTuple

import regex
from confusable_homoglyphs import categories
from confusable_homoglyphs.utils import load

from base import names

# Scripts that are written together and have no confusable letters (TR39, "highly restrictive").
_WRITTEN_TOGETHER = [
    {"LATIN", "HAN", "HIRAGANA", "KATAKANA"},
    {"LATIN", "HAN", "BOPOMOFO"},
    {"LATIN", "HAN", "HANGUL"},
]
_DRAWN_KINDS = [
    "LATIN LETTER SMALL CAPITAL",
    "NEGATIVE CIRCLED LATIN CAPITAL LETTER",
    "NEGATIVE SQUARED LATIN CAPITAL LETTER",
    "REGIONAL INDICATOR SYMBOL LETTER",
]
_ANY_SCRIPT = {"COMMON", "INHERITED"}  # digits, signs, emoji, marks


class NameKeys(NamedTuple):
    """Keys of a name. Names with a common key look alike, and only one person may have them.

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
    """Return the key of all names that look like this one or differ in case only.

    Signs are ignored, unless a name has nothing else: neither a star nor a full stop makes another name.
    """
    decomposed = _decompose(" ".join(name.split()))
    plain = " ".join(_SIGNS.sub("", decomposed).split())
    return _fold(plain or strip_punctuation(decomposed) or decomposed)


def letter_likenesses(letters: Sequence[str]) -> list[tuple[str, bool]]:
    """Return the likeness of each letter, and whether it is a sign, in one pass.

    Joined, those of the letters that are no signs are the likeness of a name.
    """
    decomposed = _decompose("\0".join(letters))
    pairs = zip(_SIGNS.sub("", decomposed).split("\0"), decomposed.split("\0"), strict=True)
    visible, is_sign = zip(*((plain or sign, not plain) for plain, sign in pairs), strict=True)
    return list(zip(_fold("\0".join(visible)).split("\0"), is_sign, strict=True))


def strip_punctuation(text: str) -> str:
    """Remove the punctuation around a text."""
    return _EDGES.sub("", text)


def _decompose(text: str) -> str:
    """Return the key of a text, decomposed. `names.key` may leave capitals, such as that of 𝐈."""
    return names.without_invisible(unicodedata.normalize("NFD", names.key(text).casefold()))


def _fold(decomposed: str) -> str:
    plain = decomposed.replace("i\u0307", "i").replace("j\u0307", "j")  # two dots in one
    prototypes = skeleton(replace_by_capitals(plain)).casefold().translate(_PROTOTYPES)
    return prototypes.casefold()


def skeleton(text: str) -> str:
    """Replace each character by its prototype."""
    return names.without_invisible(unicodedata.normalize("NFD", text)).translate(_PROTOTYPES)


def replace_by_capitals(text: str) -> str:
    """Replace small letters whose capitals look Latin by Latin ones: в by b, since В looks like B."""
    return text.translate(_CAPITALS)


def find_lookalikes(prototype: str) -> str:
    """Return all characters with a prototype."""
    return "".join(chr(code) for code, each in _PROTOTYPES.items() if each == prototype)


def mixes_scripts(name: str) -> bool:
    """Return whether a name has letters of scripts that are never written together."""
    scripts = categories.unique_aliases(name) - _ANY_SCRIPT
    return len(scripts) > 1 and not any(scripts <= together for together in _WRITTEN_TOGETHER)


def _load_prototypes() -> dict[int, str]:
    """Return the prototype of each character that is not its own."""
    alike: dict[str, set[str]] = defaultdict(set)
    for character, others in load("confusables.json").items():
        alike[character.strip("\u200e")] |= {other["c"].strip("\u200e") for other in others}

    ranks = {each: (len(others), len(each), each) for each, others in alike.items()}

    @cache
    def prototype(text: str) -> str:
        return max((text, *alike.get(text, ())), key=lambda each: ranks.get(each) or (0, len(each), each))

    found = {ord(each): "".join(map(prototype, prototype(each))) for each in alike if len(each) == 1}
    return found | {code: found.get(ord(letter), letter) for code, letter in _find_drawn_letters()}


def _find_drawn_letters() -> Iterator[tuple[int, str]]:
    """Yield small capitals, and capitals in circles, squares and flags. The list lacks them: ᴀ, 🅐, 🅰, 🇦."""
    for kind, letter in product(_DRAWN_KINDS, ascii_lowercase):
        with suppress(KeyError):  # there is no small capital X
            yield ord(unicodedata.lookup(f"{kind} {letter}")), letter


def _find_capitals() -> dict[int, str]:
    """Return small letters that do not look Latin but whose capitals do: в, since В looks like B."""
    small = (character.lower() for character in map(chr, _PROTOTYPES))
    cased = [letter for letter in small if len(letter) == 1 and letter != letter.upper()]
    return {
        ord(letter): skeleton(letter.upper()).lower()
        for letter in cased
        if not skeleton(letter).isascii() and skeleton(letter.upper()).isascii()
    }


_PROTOTYPES = _load_prototypes()
# Letters that are drawn as punctuation: ʼ, ǃ, ꞉, tones. Not ー and 々: names may end with them.
_DRAWN = r"\u01C3\u02B9-\u02DF\u02E5-\u02FF\uA4F8-\uA4FD\uA700-\uA71F\uA788-\uA78C"
_PUNCTUATION = rf"[\p{{P}}\s~^`{_DRAWN}]+"
_EDGES = regex.compile(f"^{_PUNCTUATION}|{_PUNCTUATION}$")
# What is neither a letter nor a digit, with its marks: signs, emoji, punctuation. Not signs that look like
# letters: 🅰, and | for l.
_LETTERLIKE = "".join(chr(code) for code, each in _PROTOTYPES.items() if each.isascii() and each.isalnum())
_SIGNS = regex.compile(
    rf"(?:[{_DRAWN}]|[^\0\s\p{{L}}\p{{N}}\p{{Mn}}\p{{Mc}}{regex.escape(_LETTERLIKE)}])\p{{M}}*"
)
_CAPITALS = _find_capitals()
