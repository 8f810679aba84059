"""Migration of transcripts from versions that did not mark outdated ones."""

from uuid import uuid4

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts.actions import create_guest
from chat import actions
from chat.models import Room
from transcripts.actions import request_transcript
from transcripts.models import Transcript

BEFORE = [("chat", "0019_one_space_in_rooms")]


def finished(room):
    """Write a transcript of a room's messages, for another person."""
    export = request_transcript(create_guest(), Room.objects.get(pk=room.pk))
    Transcript.objects.filter(pk=export.pk).update(attempt=1, finished_at=timezone.now())
    return export


@pytest.mark.django_db(transaction=True)
def test_those_whose_messages_were_changed_since_are_marked():
    author = create_guest()
    edited, deleted, other = (actions.open_room(name) for name in ("edited", "deleted", "other"))
    for room in (edited, deleted, deleted, other):
        actions.send(author, room, "text", uuid4())
    actions.edit(author, other, 1, "edited before")
    made = [finished(room) for room in (edited, deleted, other)]
    waiting = request_transcript(author, Room.objects.get(pk=deleted.pk))
    actions.edit(author, edited, 1, "edited since")
    actions.edit(author, deleted, 1, "edited since")
    actions.delete(author, deleted, 2)
    actions.send(author, other, "said since", uuid4())
    actions.delete(author, other, 3)  # which no transcript has
    Transcript.objects.update(outdated="")
    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE)
    executor.loader.build_graph()
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert [Transcript.objects.get(pk=export.pk).status for export in made] == ["edited", "deleted", "ready"]
    assert Transcript.objects.get(pk=waiting.pk).status == "waiting"
