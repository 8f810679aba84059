"""Names that people give: any language, one spelling, nothing invisible that could deceive."""

import unicodedata

import regex
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

LONGEST_ROOM = 64

# So many characters become one at most in Unicode's composed forms. A longer name is not even composed: the
# time that Python takes to put marks in order grows with the square of their number.
_MOST_COMPOSED = 4

# Controls, surrogates, and line and paragraph separators (Unicode general categories).
_REFUSED_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
# Characters that turn the direction of the text around them (Unicode Standard Annex 9).
_REFUSED_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}

# Characters that nobody sees: the default-ignorable ones, two that are blank, and those of annotations and
# embedded objects, which browsers do not draw.
_INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\u2800\U0001D159\uFFF9-\uFFFC]")
# Where such a character changes what is seen.
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
# Unassigned and private characters, which all look like the same box.
_UNDEFINED = regex.compile(r"[\p{Cn}\p{Co}]")
_VISIBLE = regex.compile(r"[\p{L}\p{N}\p{P}\p{S}]")

# Marks on one letter: four are as many as any language puts there.
_HEAP = regex.compile(r"[\p{Mn}\p{Me}]{5,}")


def clean(name: str, longest: int) -> str:
    """The name as it is shown: in Unicode's form NFKC, without space around it, and one space for several.

    Raises ValueError, which says what is wrong, for a name that nobody may have.
    """
    name = name.strip()
    if len(name) <= _MOST_COMPOSED * longest:
        name = unicodedata.normalize("NFKC", name)
        if any(map(_is_refused, name)):
            raise ValueError(_("A name has no control characters."))
        name = " ".join(name.split())
    if not name:
        raise ValueError(_("A name needs at least one character."))
    if len(name) > longest:
        told = _("A name has at most {most} characters; this one has {count}.")
        raise ValueError(format_lazy(told, most=longest, count=len(name)))
    return name


def clean_room(name: str) -> str:
    """`clean` for a room, whose name is also a part of its address."""
    name = clean(name, LONGEST_ROOM)
    if "/" in name or name in {".", ".."}:
        raise ValueError(_("A room's name has no slash, and is more than dots."))
    return name


def check_visible(name: str) -> str:
    """The clean name of something new, if all of it can be seen; raises ValueError as `clean` does."""
    if _INVISIBLE.search(_NEEDED.sub("", name)):
        raise ValueError(_("A name has no invisible characters. Write it anew, without copying it."))
    if _UNDEFINED.search(name):
        raise ValueError(_("A name has only characters that Unicode defines."))
    if not _VISIBLE.search(name):
        raise ValueError(_("A name needs at least one letter, digit or sign."))
    if _HEAP.search(name):
        raise ValueError(_("A name has at most four marks on one letter."))
    return name


def without_invisible(name: str) -> str:
    return _INVISIBLE.sub("", name)


def key(name: str) -> str:
    """What two spellings of one clean name have in common (Unicode's NFKC_Casefold, nearly)."""
    return unicodedata.normalize("NFKC", name.casefold())


def _is_refused(character: str) -> bool:
    return (
        unicodedata.category(character) in _REFUSED_CATEGORIES
        or unicodedata.bidirectional(character) in _REFUSED_DIRECTIONS
    )
