"""How rooms are found: by any part of a name, Chinese ones also by how they are typed in Latin letters."""

import os
from collections.abc import Iterable
from itertools import islice, product

from live import names

# Its phrases choose between the readings of a character, and take 45 MB. Here all of them may be typed.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")

from pypinyin import Style, pinyin

# How many readings of a character are used, the commonest first, and how many ways to spell one name.
MOST_READINGS = 2
MOST_SPELLINGS = 16


def spellings(name: str) -> str:
    """All that somebody may type for a room, each on a line: 聊天室, liaotianshi, lts."""
    found = [_simple(name), *_spelled(name, Style.NORMAL), *_spelled(name, Style.FIRST_LETTER)]
    return "\n".join(dict.fromkeys(found))


def asked(text: str) -> str:
    """What to look for among `spellings`."""
    return _simple(text)


def _spelled(name: str, style: Style) -> Iterable[str]:
    readings = [each[:MOST_READINGS] for each in pinyin(names.key(name), style=style, heteronym=True)]
    return [_simple("".join(each)) for each in islice(product(*readings), MOST_SPELLINGS)]


def _simple(text: str) -> str:
    """Without spaces, and without a difference between spellings that look alike."""
    return "".join(names.key(text).split())
