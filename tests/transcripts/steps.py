"""Steps of people and workers with transcripts."""

from datetime import timedelta
from urllib.parse import quote
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.test import AsyncClient
from django.utils import timezone

from chat import actions
from chat.models import Message, Room
from transcripts import leases
from transcripts.actions import request_transcript
from transcripts.models import Transcript
from transcripts.workers import TranscriptWorker


async def signed_in(user):
    client = AsyncClient()
    await client.aforce_login(user)
    return client


@sync_to_async
def say(author, room, *texts):
    return [actions.send(author, room, text, uuid4())[0] for text in texts]


@sync_to_async
def fill(author, room, count):
    """Store many messages at once."""
    seqs = room.allocate_seqs(count)
    Message.objects.bulk_create(
        Message(room=room, author=author, author_name=author.name, text=f"text {n}", number=n, seq=n)
        for n in seqs
    )


@sync_to_async
def asked(owner, room):
    return request_transcript(owner, Room.objects.get(pk=room.pk))


@sync_to_async
def claimed(seconds_ago=0):
    """Claim a transcript as a worker does that then stops."""
    export = leases.claim()
    Transcript.objects.filter(pk=export.pk).update(
        leased_until=timezone.now() - timedelta(seconds=seconds_ago)
    )
    return export


async def work():
    await TranscriptWorker().transcripts_write({})


async def ask(client, room="lobby", **values):
    """Request a transcript. Return the URL of its page."""
    answer = await client.post(f"/chat/{quote(room)}/export/", values)
    assert answer.status_code == 303, answer.content.decode()
    return answer.headers["Location"]


async def download(client, address):
    answer = await client.get(f"{address}transcript.txt")
    assert answer.status_code == 200
    return answer, b"".join([part async for part in answer.streaming_content]).decode()


async def lines(client, address):
    """Return a transcript's lines, without the times."""
    _, text = await download(client, address)
    return [line.split("] ")[-1] for line in text.split("\n")[3:-1]]


async def states(socket, status):
    """Return the states that a page receives, up to a status."""
    received = []
    while not received or received[-1]["status"] != status:
        received += await socket.receive()
    return received
