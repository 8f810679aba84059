"""Text of transcripts, in the active language and time zone. No text can pose as another message."""

import json
from datetime import datetime

import regex
from django.db.models import QuerySet
from django.utils.timezone import get_current_timezone, localtime
from django.utils.translation import gettext, ngettext

from accounts.confusables import find_lookalikes, skeleton
from chat import permissions
from chat.models import Message
from transcripts.models import Transcript

# Messages per query: other tasks share the thread.
QUERY_CHUNK = 500

# Line break and indentation of a message's further lines.
INDENT = "\n    "

# Terminals execute control characters of a file. Their pictures (␛ for ESC) have no effect.
CONTROL_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) != "\t"}
CONTROL_PICTURES |= {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)

# A name that needs no quotes: letters, marks, digits and spaces, but no letters that look like signs.
PLAIN_NAME = regex.compile(r"[[\p{L}\p{M}\p{N} ]--\p{Block=Spacing_Modifier_Letters}]+", regex.VERSION1)

# Characters that look like quotes are escaped within quotes, as in JSON.
ESCAPED_QUOTES = {ord(each): f"\\u{ord(each):04x}" for each in find_lookalikes(skeleton('"')) if each != '"'}


def render_header(transcript: Transcript) -> str:
    title = gettext("Transcript of {room}").format(room=transcript.room_name)
    extent = ngettext(
        "{count} message until {time} ({zone})", "{count} messages until {time} ({zone})", transcript.total
    )
    time = _format_time(transcript.created_at)
    extent = extent.format(count=f"{transcript.total:,}", time=time, zone=get_current_timezone())
    return f"{title}\n{extent}\n\n"


def render_end() -> str:
    """Return the last line of a transcript that is cut off for lack of space."""
    return "\n" + gettext("The transcript ends here: there isn't enough space for the rest.") + "\n"


def find_next_messages(transcript: Transcript, after: int) -> QuerySet[Message]:
    """Return the next messages after a number, as now stored, up to the transcript's last number.

    Omit those before its first number, which its owner may not see.
    """
    messages = permissions.messages_of(transcript.room_id).filter(number__gte=transcript.from_number)
    rows = messages.filter(event=None, number__gt=after, number__lte=transcript.up_to_number)
    return rows.order_by("number")[:QUERY_CHUNK]


def render_message(message: Message) -> str:
    """Return the lines of a message. Every line break of its text is indented."""
    text = gettext("(deleted)") if message.deleted_at else INDENT.join(_split_lines(message.text))
    edited = f" {gettext('(edited)')}" if message.edited_at and not message.deleted_at else ""
    return f"[{_format_time(message.created_at)}] {_quote_name(message.author_name)}: {text}{edited}\n"


def _format_time(at: datetime) -> str:
    """Return a time in the active time zone."""
    return f"{localtime(at):%Y-%m-%d %H:%M:%S}"


def _split_lines(text: str) -> list[str]:
    return [line.translate(CONTROL_PICTURES) for line in text.splitlines()]


def _quote_name(name: str) -> str:
    """Return a name, quoted unless its end is clear: some letters look like a colon."""
    if PLAIN_NAME.fullmatch(name) and ":" not in skeleton(name):
        return name
    return json.dumps(name, ensure_ascii=False).translate(ESCAPED_QUOTES)
