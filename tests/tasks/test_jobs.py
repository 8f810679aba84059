"""Purge: which people are deleted, and when."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.utils import timezone

from accounts import actions as account_actions
from accounts import purge
from accounts.models import RestingName, User
from accounts.purge import purge_guests
from chat import actions
from chat.actions import Member
from chat.models import Membership
from tasks.jobs import LEASE
from tasks.models import Job
from tasks.workers import JobWorker
from transcripts import leases
from transcripts.actions import request_transcript
from transcripts.models import Transcript
from transcripts.purge import JOB as TRANSCRIPTS


async def work():
    await JobWorker().jobs_run({})


def days_ago(days):
    return timezone.now() - timedelta(days=days)


def create_guest(days=8, **values):
    guest = account_actions.create_guest()
    came = {"date_joined": days_ago(days), "seen_at": days_ago(days)}
    User.objects.filter(pk=guest.pk).update(**came | values)
    guest.refresh_from_db()
    return guest


def says_something(guest):
    actions.send(guest, actions.open_room("lobby"), "hi", uuid4())


def looks_into_a_room(guest):
    actions.mark_read({Member.of(guest, actions.open_room("lobby")): 0})


def waits_for_a_transcript(guest):
    request_transcript(guest, actions.open_room("lobby"))


def is_in_another_apps_log(guest):
    LogEntry.objects.create(user=guest, action_flag=1)


def is_in_a_group(guest):
    guest.groups.add(Group.objects.create(name="regulars"))


def has_signed_up(guest):
    User.objects.filter(pk=guest.pk).update(is_guest=False)


def came_this_week(guest):
    User.objects.filter(pk=guest.pk).update(date_joined=days_ago(6.9))


def came_back_this_year(guest):
    User.objects.filter(pk=guest.pk).update(date_joined=days_ago(400), seen_at=days_ago(364))


async def test_a_guest_who_never_spoke_goes_after_a_week_and_the_name_rests_a_day(database):
    guest = await sync_to_async(create_guest)()
    await RestingName.objects.acreate(key="old", last_holder=guest.pk, until=days_ago(1))
    await work()
    assert not await User.objects.aexists()
    resting = [each async for each in RestingName.objects.all()]
    assert {each.key for each in resting} == {*guest.name_keys}  # an Ibis has two: its I looks like an l
    for name in resting:
        assert name.last_holder == guest.pk
        assert timedelta(hours=23) < name.until - timezone.now() <= timedelta(days=1)


@pytest.mark.parametrize(
    "reason",
    [
        says_something,
        waits_for_a_transcript,
        is_in_another_apps_log,
        is_in_a_group,
        has_signed_up,
        came_this_week,
        came_back_this_year,
    ],
)
async def test_who_left_something_or_came_lately_stays(database, reason):
    guest = await sync_to_async(create_guest)()
    await sync_to_async(reason)(guest)
    await sync_to_async(create_guest)()
    await work()
    assert await User.objects.aget() == guest


async def test_a_guest_whose_session_is_over_goes(database):
    await sync_to_async(create_guest)(800, seen_at=days_ago(366))
    await work()
    assert not await User.objects.aexists()


async def test_who_only_looked_into_rooms_goes_and_is_a_member_no_more(database):
    guest, member = [await sync_to_async(create_guest)() for _ in range(2)]
    for each in (guest, member):
        await sync_to_async(looks_into_a_room)(each)
    await sync_to_async(says_something)(member)
    await work()
    assert await User.objects.aget() == member
    assert (await Membership.objects.aget()).user_id == member.pk


async def test_many_go_in_several_pieces(database, monkeypatch):
    monkeypatch.setattr(purge, "CHUNK", 2)
    for _ in range(5):
        await sync_to_async(create_guest)()
    assert await sync_to_async(purge_guests)() == 2
    await work()
    assert not await User.objects.aexists()


async def test_sessions_that_have_expired_go(database):
    for key, days in (("expired", 1), ("in use", -1)):
        await Session.objects.acreate(session_key=key, session_data="", expire_date=days_ago(days))
    await work()
    assert (await Session.objects.aget()).session_key == "in use"


@sync_to_async
def write_transcript(owner, finished_at=None):
    export = request_transcript(owner, actions.open_room("lobby"))
    claimed = leases.claim()
    name = leases.file_name(claimed, claimed.attempt)
    export.file.storage.save(name, ContentFile(b"a transcript"))
    leases.finish(claimed)
    if finished_at:
        Transcript.objects.filter(pk=export.pk).update(finished_at=finished_at)


async def test_transcripts_go_a_day_after_they_were_ready_and_then_their_owners(database, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    old, new = [await sync_to_async(create_guest)() for _ in range(2)]
    await write_transcript(old, days_ago(1.1))
    await write_transcript(new)
    await work()
    assert (await Transcript.objects.aget()).owner_id == (await User.objects.aget()).pk == new.pk
    assert len(list(tmp_path.rglob("*.txt"))) == 1


async def test_transcripts_are_looked_at_every_hour(database, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    await work()
    await write_transcript(await sync_to_async(create_guest)(), days_ago(1.1))
    await work()
    assert await Transcript.objects.aexists()
    due_in = (await Job.objects.aget(name="transcripts")).due_at - timezone.now()
    assert timedelta(minutes=50) < due_in <= timedelta(hours=1)  # a reminder comes each hour
    await Job.objects.filter(name="transcripts").aupdate(due_at=timezone.now())
    await work()
    assert not await Transcript.objects.aexists()
    assert await User.objects.aexists()  # whose turn is in a week


async def test_it_is_done_once_a_week_however_many_are_told(database):
    await asyncio.gather(*[work() for _ in range(5)])
    await sync_to_async(create_guest)()
    await asyncio.gather(*[work() for _ in range(5)])
    assert await User.objects.aexists()
    due_in = (await Job.objects.aget(name="purge")).due_at - timezone.now()
    assert timedelta(days=6) < due_in <= timedelta(days=7)
    await Job.objects.aupdate(due_at=timezone.now())
    await work()
    assert not await User.objects.aexists()


async def test_what_a_killed_worker_has_begun_is_done_by_the_next(database):
    await sync_to_async(create_guest)()
    job = await Job.objects.acreate(name="purge")
    assert await sync_to_async(job.claim)(Job.objects.all(), LEASE)
    await work()
    assert await User.objects.aexists()  # it may still be at it
    await Job.objects.aupdate(leased_until=timezone.now())
    await work()
    assert not await User.objects.aexists()


async def test_a_purge_that_fails_holds_up_no_other(database, monkeypatch, caplog):
    monkeypatch.setitem(TRANSCRIPTS.steps, "transcripts", lambda: 1 // 0)
    await sync_to_async(create_guest)()
    await work()
    assert "jobs: transcripts failed" in caplog.text and "ZeroDivisionError" in caplog.text
    assert not await User.objects.aexists()


def test_an_administrator_may_do_it_at_any_time(transactional_db, capsys):
    for _ in range(2):
        create_guest()
        call_command("purge")
        assert capsys.readouterr().out.splitlines() == [
            *("transcripts: 0", "messages of deleted accounts: 0", "empty rooms: 0"),
            *("messages: 0", "rooms: 0"),
            *("sessions: 0", "names: 0", "bans: 0", "networks: 0", "guests: 1"),
        ]


async def test_the_tab_of_a_guest_who_goes_is_told_so_and_comes_back_as_another(connect, database):
    guest = await sync_to_async(create_guest)()
    socket = await connect(user=guest)
    await socket.event("welcome")
    await work()
    assert await socket.close_code() == 4410
