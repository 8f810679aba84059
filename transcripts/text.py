"""A room's transcript as text, in the active language. What anybody wrote passes for nobody else's."""

import json

import regex
from django.db.models import QuerySet
from django.utils.translation import gettext, ngettext

from accounts.confusables import look_like, skeleton
from chat import permissions
from chat.models import Message
from transcripts.models import Transcript

# How many messages are read at a time: the thread that reads them has others to serve.
MOST_AT_ONCE = 500

# What a message's further lines begin with.
INDENT = "\n    "

# A file may be read in a terminal, which obeys control characters. Their pictures (␛ for ESC) do nothing.
PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) != "\t"}
PICTURES |= {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)

# A name that needs no quotes: letters, marks, digits and spaces, but no letters that look like signs.
PLAIN = regex.compile(r"[[\p{L}\p{M}\p{N} ]--\p{Block=Spacing_Modifier_Letters}]+", regex.VERSION1)

# Within quotes, what looks like one, as JSON writes it.
QUOTES = {ord(each): f"\\u{ord(each):04x}" for each in look_like(skeleton('"')) if each != '"'}


def header(transcript: Transcript) -> str:
    title = gettext("Transcript of {room}").format(room=transcript.room_name)
    extent = ngettext(
        "{count} message until {time} UTC", "{count} messages until {time} UTC", transcript.total
    )
    time = f"{transcript.created_at:%Y-%m-%d %H:%M:%S}"
    return f"{title}\n{extent.format(count=f'{transcript.total:,}', time=time)}\n\n"


def end() -> str:
    """The last line of a transcript for which there is no more space."""
    return "\n" + gettext("The transcript ends here: there isn't enough space for the rest.") + "\n"


def page(transcript: Transcript, after: int) -> QuerySet[Message]:
    """The next messages after a number, as they now are. None is newer than the transcript."""
    rows = permissions.messages_of(transcript.room_id).filter(number__gt=after, number__lte=transcript.upto)
    return rows.order_by("number")[:MOST_AT_ONCE]


def entry(message: Message) -> str:
    """A message: the lines of its text stay its own, whatever ends them."""
    text = gettext("(deleted)") if message.deleted_at else INDENT.join(_lines(message.text))
    edited = f" {gettext('(edited)')}" if message.edited_at and not message.deleted_at else ""
    return f"[{message.created_at:%Y-%m-%d %H:%M:%S}] {_name(message.author_name)}: {text}{edited}\n"


def _lines(text: str) -> list[str]:
    return [line.translate(PICTURES) for line in text.splitlines()]


def _name(name: str) -> str:
    """A name, in quotes unless it is clear where it ends: some letters look like a colon."""
    if PLAIN.fullmatch(name) and ":" not in skeleton(name):
        return name
    return json.dumps(name, ensure_ascii=False).translate(QUOTES)
