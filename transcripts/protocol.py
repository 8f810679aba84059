"""Events of a transcript's socket."""

from functools import partial

from django.db import transaction

import live
from chat.protocol import Notice, encode_body
from transcripts.models import Transcript


class Export(Notice):
    """Progress of a transcript: `status` is waiting (for a worker), working, ready, edited or deleted."""

    status: str
    done: int  # messages
    total: int


def make_event(transcript: Transcript) -> live.Event:
    """Return the state of a transcript, as an event of its log."""
    state = Export(transcript.status, transcript.done, transcript.total)
    return live.Event(transcript.version, encode_body(state))


def publish(transcript: Transcript) -> None:
    """Publish the state of a transcript to its page after the commit."""
    transaction.on_commit(partial(live.publish, transcript.topic, make_event(transcript)))
