"""Parser of a text's prose, outside code and addresses; `static/chat/js/text/markup.js` does the same.

tests/texts.json has examples for both.
"""

from collections.abc import Iterator
from itertools import islice

import regex

# How many lines with an `@` are parsed: most of the cost does not depend on their length.
MAX_LINES = 200

# JavaScript's white space.
_SPACE = "\t\v\f\r\u2028\u2029\ufeff \xa0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))

_FENCE = regex.compile(r"[ \t]*+(`{3,}+(?=[^`]*+$)|~{3,}+)")

_SIGN = regex.compile(r"`++|@|[hH][tT][tT][pP][sS]?://")
_LATIN = regex.compile("[a-zA-Z0-9]")

_SCHEME = regex.compile("https?://", regex.IGNORECASE)

_CJK = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"
_PLAIN = (
    r'(?![\s<>"`\p{C}\u3000-\u303f\uff00-\uffef]'
    rf"|(?![\0-\x7f\xb7\u05be\u0f0b\u2010-\u2013\u30fb\p{{Pc}}])\p{{P}}|{_CJK})"
)
_HOST = rf"(?:(?<=[/.]){_CJK}(?:{_CJK}|{_PLAIN}[^/?#.])*+|{_PLAIN}[^/?#])*+"
_PATH = rf"(?:(?<=[/=#]){_CJK}(?:{_CJK}|{_PLAIN}[^/?#=&])*+|{_PLAIN}.)*+"
_ADDRESS = regex.compile(_HOST + _PATH, regex.DOTALL)


def find_at_signs(text: str) -> Iterator[int]:
    """Yield the position of each `@` in prose. The time is proportional to the length of the text."""
    for begin, line in islice(_prose(text), MAX_LINES):
        yield from (begin + at for at in _at_signs(line))


def has_address(text: str) -> bool:
    """Return whether a text contains a web address, even one that is not shown as a link, as in code."""
    return bool(_SCHEME.search(text))


def _prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line of prose with an `@`, and its position."""
    begin = 0
    for line, is_code in _lines(text):
        if "@" in line and not is_code:
            yield begin, line
        begin += len(line) + 1


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each line, and whether it belongs to a block of code."""
    lines = text.split("\n")
    longest = _longest_ends(lines)
    open_fence = ""
    for line, ends in zip(lines, longest[1:], strict=True):
        if open_fence:
            yield line, True
            open_fence = "" if _end(line).startswith(open_fence) else open_fence
        else:
            fence = _FENCE.match(line)
            open_fence = fence[1] if fence and ends[fence[1][0]] >= len(fence[1]) else ""
            yield line, bool(open_fence)


def _longest_ends(lines: list[str]) -> list[dict[str, int]]:
    """Return the length of the longest closing fence of each sign, in each line or after it."""
    longest = [{"`": 0, "~": 0}]
    for line in reversed(lines):
        end = _end(line)
        longest.append(longest[-1] | {sign: max(longest[-1][sign], len(end)) for sign in end[:1]})
    return longest[::-1]


def _end(line: str) -> str:
    """Return the closing fence at the end of a line, if any. Code may stand before backticks only."""
    line = line.rstrip(_SPACE)
    code = line.rstrip(line[-1:]) if line.endswith(("`", "~")) else line
    signs = line[len(code) :]
    return signs if len(signs) >= 3 and (signs[0] == "`" or not code.strip(_SPACE)) else ""


def _at_signs(line: str) -> Iterator[int]:
    ticks: dict[int, list[int]] = {}  # positions of runs of backticks by their length, last first
    for run in reversed(list(regex.finditer("`++", line))):
        ticks.setdefault(len(run[0]), []).append(run.start())
    at = 0
    while found := _SIGN.search(line, at):
        sign, at = found[0], found.end()
        if sign == "@":
            yield found.start()
        elif sign[0] != "`":
            if not _LATIN.match(line[found.start() - 1 : found.start()]):
                at = _ADDRESS.match(line, at).end()
        else:
            ends = ticks[len(sign)]
            while ends and ends[-1] <= found.start():
                ends.pop()
            if ends:
                at = ends[-1] + len(sign)
