"""Almost full disk: first transcripts are refused, then everything else that is new."""

import json
import shutil

import pytest
from django.test import AsyncClient

from base import disk_space
from base.disk_space import DiskSpace
from chat.models import Message
from push.models import Order
from server.health import readyz
from transcripts.models import Transcript

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def leave(settings, monkeypatch):
    """Set the reserve so that this share of it is left on the disk."""

    def leave(left, space=disk_space.disk_space):
        disk = shutil.disk_usage(settings.VAR_DIR)
        settings.DISK_RESERVE = disk.total
        monkeypatch.setattr(disk_space, "MAX_RESERVE", disk.free / disk.total / left)
        space.check()

    yield leave
    settings.DISK_RESERVE = 0
    disk_space.disk_space.check()


ENOUGH, LOW, FULL = 2, 0.5, 0.1


async def signed_in(user):
    client = AsyncClient()
    await client.aforce_login(user)
    return client


async def health():
    sent = []

    async def send(message):
        sent.append(message)

    await readyz(send)
    return json.loads(sent[-1]["body"])


async def test_transcripts_are_refused_first(connect, guest, leave, caplog):
    socket = await connect(user=guest)
    client = await signed_in(guest)
    leave(LOW)
    answer = await client.post("/chat/lobby/export/")
    assert answer.status_code == 503
    assert "no space for transcripts" in answer.content.decode()
    assert not await Transcript.objects.aexists()
    await socket.say("still here")
    assert (await socket.event("message"))["message"] == "still here"
    status = await health()
    assert (status["disk"], status["database"]) == (False, True)
    assert status["status"] == "degraded"
    leave(ENOUGH)
    assert (await client.post("/chat/lobby/export/")).status_code == 303
    assert (await health())["disk"] is True


async def test_then_all_that_is_new_is_refused_with_the_reason(connect, guest, leave):
    socket = await connect(user=guest)
    await socket.say("before")
    number = (await socket.event("message"))["number"]
    client = await signed_in(guest)
    leave(FULL)
    await socket.say("after")
    error = await socket.event("error")
    assert (error["code"], error.get("retry_after")) == ("unavailable", None)
    assert "disk is almost full" in error["detail"]
    await socket.send_command(type="edit", number=number, message="longer")
    assert (await socket.event("error"))["code"] == "unavailable"
    await socket.send_command(type="delete", number=number)
    assert (await socket.event("message"))["deleted"]
    assert await Message.objects.acount() == 1
    assert await (await connect("new", user=guest)).close_code() == 1013
    form = {"subject": "A dictionary", "amount": "1", "currency": "EUR"}
    assert (await client.post("/orders/", form)).status_code == 503
    assert not await Order.objects.aexists()
    assert (await client.get("/chat/lobby/")).status_code == 200
    assert (await AsyncClient().get("/chat/lobby/")).status_code == 503  # it would make a guest


def test_the_log_says_so_once_an_hour(leave, monkeypatch, caplog):
    watched = DiskSpace()
    for _ in range(3):
        leave(LOW, watched)
    assert caplog.text.count("disk space: almost full, new transcripts are refused") == 1
    monkeypatch.setattr(disk_space, "WARNING_INTERVAL", -1)
    leave(FULL, watched)
    assert "new messages and transcripts are refused" in caplog.text


def test_the_disk_of_a_database_is_that_of_the_file_behind_a_symlink(settings, tmp_path):
    file, link = tmp_path / "disk" / "lobby.sqlite3", tmp_path / "link.sqlite3"
    file.parent.mkdir()
    link.symlink_to(file)
    settings.DATABASE = {"ENGINE": "server.sqlite", "NAME": link}
    assert file.parent in disk_space._directories()
