"""Validation of names in any language: one spelling, and no invisible characters that could deceive."""

import unicodedata

import regex
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

MAX_ROOM_NAME = 64

# How many characters Unicode composes to one at most. Longer names are not composed: sorting marks takes
# Python a time that grows with the square of their number.
_MAX_COMPOSED = 4

# Controls, surrogates, and line and paragraph separators (Unicode general categories).
_REFUSED_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
# Characters that change the direction of the text around them (Unicode Standard Annex 9).
_REFUSED_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}

# Invisible characters: the default-ignorable ones, two blank ones, and those of annotations and embedded
# objects, which browsers do not draw.
_INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\u2800\U0001D159\uFFF9-\uFFFC]")
# Positions where such a character changes the visible text.
_NEEDED = regex.compile(
    r"""(?<=\p{Emoji}\p{Emoji_Modifier}?)[\uFE0E\uFE0F]  # an emoji in colours, or as text
    | (?<=\p{Extended_Pictographic}[\p{Emoji_Modifier}\uFE0F]?)\u200D(?=\p{Extended_Pictographic})  # a family
    | (?<=\U0001F3F4)[\U000E0020-\U000E007E]+\U000E007F  # the flags of England, Scotland, Wales
    | (?<=\p{Han})[\uFE00-\uFE02\U000E0100-\U000E01EF]  # a character as a family writes it
    | (?<=[\p{Arabic}\p{Syriac}\p{Mongolian}\p{Nko}])[\u200C\u200D](?=\p{L})  # letters that join, or do not
    | (?<=\p{Canonical_Combining_Class=Virama})[\u200C\u200D]  # the same in the scripts of India
    | [\u200C\u200D](?=\p{Canonical_Combining_Class=Virama})
    | (?<=\p{Mongolian})[\u180B-\u180F]""",
    regex.VERBOSE,
)
# Unassigned and private characters, which look like the same box.
_UNDEFINED = regex.compile(r"[\p{Cn}\p{Co}]")
_VISIBLE = regex.compile(r"[\p{L}\p{N}\p{P}\p{S}]")

# Marks on one letter: no language uses more than four.
_STACKED_MARKS = regex.compile(r"[\p{Mn}\p{Me}]{5,}")


def clean(name: str, max_length: int) -> str:
    """Return the name in Unicode's form NFKC, without spaces around it and without repeated spaces.

    Raise ValueError, with a text for people, for a name that is not allowed.
    """
    name = name.strip()
    if is_composable(name, max_length):
        name = unicodedata.normalize("NFKC", name)
        if any(map(_is_refused, name)):
            raise ValueError(_("Names can't contain control characters."))
        name = " ".join(name.split())
    if not name:
        raise ValueError(_("Names can't be empty."))
    if len(name) > max_length:
        detail = _("Names can have at most {most} characters; this one has {count}.")
        raise ValueError(format_lazy(detail, most=max_length, count=len(name)))
    return name


def is_composable(text: str, max_length: int) -> bool:
    """Return whether a text may have `max_length` characters at most once it is composed.

    A longer one is not normalized: see `_MAX_COMPOSED`.
    """
    return len(text) <= _MAX_COMPOSED * max_length


def clean_room(name: str) -> str:
    """Return a room's name as `clean` does. It must be usable in the room's address."""
    name = clean(name, MAX_ROOM_NAME)
    if "/" in name or name in {".", ".."}:
        raise ValueError(_("Room names can't contain “/” or be only dots."))
    return name


def check_visible(name: str) -> str:
    """Return a clean name if all of it is visible. Raise ValueError as `clean` does."""
    if _INVISIBLE.search(_NEEDED.sub("", name)):
        raise ValueError(_("Remove the invisible characters (type the name instead of pasting it)."))
    if _UNDEFINED.search(name):
        raise ValueError(_("Names can only contain characters that Unicode defines."))
    if not _VISIBLE.search(name):
        raise ValueError(_("Names need at least one letter, digit or symbol."))
    if _STACKED_MARKS.search(name):
        raise ValueError(_("Names can have at most four combining marks on a letter."))
    return name


def without_invisible(name: str) -> str:
    return _INVISIBLE.sub("", name)


def key(name: str) -> str:
    """Return the key that all spellings of a clean name share (nearly Unicode's NFKC_Casefold).

    A text as it was typed must be checked first: see `is_composable`.
    """
    return unicodedata.normalize("NFKC", name.casefold())


def _is_refused(character: str) -> bool:
    return (
        unicodedata.category(character) in _REFUSED_CATEGORIES
        or unicodedata.bidirectional(character) in _REFUSED_DIRECTIONS
    )
