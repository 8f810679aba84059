"""Names that people give: any language, one spelling, nothing invisible that could deceive."""

import unicodedata

LONGEST_ROOM = 64

# Controls, surrogates, and line and paragraph separators (Unicode general categories).
_REFUSED_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
# Characters that turn the direction of the text around them (Unicode Standard Annex 9).
_REFUSED_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def clean(name: str, longest: int) -> str:
    """The name as it is shown: in Unicode's form NFKC, without space around it.

    Raises ValueError, which says what is wrong, for a name that nobody may have.
    """
    name = unicodedata.normalize("NFKC", name).strip()
    if not name:
        raise ValueError("A name needs at least one character.")
    if len(name) > longest:
        raise ValueError(f"A name has at most {longest} characters; this one has {len(name)}.")
    if any(_is_refused(character) for character in name):
        raise ValueError("A name has no control characters.")
    return name


def clean_room(name: str) -> str:
    """`clean` for a room, whose name is also a part of its address."""
    name = clean(name, LONGEST_ROOM)
    if "/" in name or name in {".", ".."}:
        raise ValueError("A room's name has no slash, and is more than dots.")
    return name


def key(name: str) -> str:
    """What two spellings of one clean name have in common (Unicode's NFKC_Casefold, nearly)."""
    return unicodedata.normalize("NFKC", name.casefold())


def _is_refused(character: str) -> bool:
    return (
        unicodedata.category(character) in _REFUSED_CATEGORIES
        or unicodedata.bidirectional(character) in _REFUSED_DIRECTIONS
    )
