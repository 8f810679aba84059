"""Personal data of transcripts: which ones a person requested. Their pages have the files."""

from collections.abc import Iterator
from typing import Any

from accounts.models import User
from base.personal_data import in_chunks
from transcripts.queries import visible_transcripts


def read(user: User) -> Iterator[dict[str, Any]]:
    for transcript in in_chunks(visible_transcripts(user)):
        yield {"kind": "transcript", "room": transcript.room.name, "requested_at": transcript.created_at}
