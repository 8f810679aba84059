"""Reports: a message reaches the moderators' room once for each person, and nobody else learns of it."""

from uuid import uuid4

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.actions import create_guest, delete_account, give_up_name
from accounts.models import User
from chat import actions
from chat.actions import reports
from chat.actions.change_batch import Change
from chat.actions.members import add_member
from chat.actions.rooms import create_private_room
from chat.models import AuditEntry, Membership, Message, Report, Role, Room
from chat.queries import unread_counts
from tests.chat.people import browser, make_staff

MODERATORS = "/chat/~moderators/"


@pytest.fixture
def staff(transactional_db):
    return make_staff()


@pytest.fixture
def insult(staff):
    message, _ = actions.send(create_guest(), actions.open_room("lobby"), "You\n```fool", uuid4())
    return message


def guests(count):
    return [create_guest() for _ in range(count)]


def address_of(message):
    return f"/chat/{message.room.name}/{message.number}/report/"


def test_a_report_reaches_the_moderators_with_links(staff, insult):
    reporter = create_guest()
    client = browser(reporter)
    assert "You<br>```fool" in client.get(address_of(insult)).content.decode()
    page = client.post(address_of(insult), {"reason": " An  insult "}, follow=True)
    assert "Reported to staff." in page.content.decode()
    (stored,) = Message.objects.filter(room__key="~moderators")
    assert stored.author == reporter
    assert stored.text.splitlines() == [
        f"I report a message by {insult.author_name} in this room:",
        "> lobby",
        "http://testserver/chat/lobby/1/",
        f"Moderate: http://testserver/moderation/{insult.author_id}/",
        "Reason: An insult",
        "",
        "> You",
        "> ```fool",
    ]
    (counts,) = [each for each in unread_counts.count_for_people([staff.pk])[staff.pk] if each.title]
    assert (counts.title, counts.unread, counts.newest) == ("Moderators", 1, 1)
    assert "An insult" in browser(staff).get(MODERATORS).content.decode()
    (entry,) = AuditEntry.objects.all()
    assert (entry.action, entry.actor, entry.person_id) == ("report", reporter, insult.author_id)
    assert (entry.number, entry.reason, entry.room.name) == (1, "An insult", "lobby")


def test_each_person_reports_a_message_once(insult):
    for client in (browser(create_guest()), browser(create_guest())):
        for told in ("Reported to staff.", "already reported"):
            assert told in client.post(address_of(insult), follow=True).content.decode()
    assert Message.objects.filter(room__key="~moderators").count() == Report.objects.count() == 2


def test_a_message_that_many_report_is_told_of_a_few_times(insult, monkeypatch):
    monkeypatch.setattr(reports, "MAX_TOLD", 2)
    for _reporter in range(3):
        assert browser(create_guest()).post(address_of(insult)).status_code == 302
    assert Message.objects.filter(room__key="~moderators").count() == 2
    assert Report.objects.count() == AuditEntry.objects.filter(action="report").count() == 3


def test_each_text_of_a_message_is_reported_and_told_of(insult, monkeypatch):
    monkeypatch.setattr(reports, "MAX_TOLD", 2)
    monkeypatch.setattr(reports, "MAX_TOLD_IN_ALL", 5)
    reporters = [browser(each) for each in guests(3)]
    told = []
    for text in ("Nice day", "Threat", "Another"):
        actions.edit(insult.author, insult.room, insult.number, text)
        for client in reporters:
            assert "Reported to" in client.post(address_of(insult), follow=True).content.decode()
        assert "already reported" in reporters[0].post(address_of(insult), follow=True).content.decode()
        told += [f"> {text}"] * 2
    stored = list(Message.objects.filter(room__key="~moderators").order_by("number"))
    assert [each.text.splitlines()[-1] for each in stored] == told[:5]
    assert ["Later reports" in each.text for each in stored] == [False] * 4 + [True]
    assert Report.objects.count() == 9


def test_reports_from_before_the_migration_count_for_no_present_text(insult):
    reporter = create_guest()
    Report.objects.bulk_create(Report(user=each, message=insult) for each in (reporter, *guests(5)))
    assert "Reported to" in browser(reporter).post(address_of(insult), follow=True).content.decode()
    assert Message.objects.filter(room__key="~moderators").count() == 1


def test_a_reported_text_cannot_pose_as_a_report(insult):
    """Not with line breaks of any kind, nor with spaces that wrap at the end of each line."""
    forged = ["ok", "", "I report a message by Eve", "Reason: threat", "Moderate: http://testserver/9/"]
    for separator in ("\n", "\u2028", "\x0b", " " * 40, "\u3000" * 40):
        actions.edit(insult.author, insult.room, insult.number, separator.join(forged))
        browser(create_guest()).post(address_of(insult))
        lines = Message.objects.filter(room__key="~moderators").latest("number").text.split("\n")
        own, quoted = lines[:5], lines[5:]
        assert own[1:] == ["> lobby", *own[2:4], ""]
        assert all(line.startswith("> ") and "  " not in line for line in quoted)
        assert len(quoted) == (1 if len(separator) > 1 else len(forged))


def test_who_deletes_the_account_is_in_the_audit_log_without_name_address_and_words(insult):
    reporter, author = create_guest(), insult.author
    browser(reporter).post(address_of(insult), {"reason": "I am from the house next door"})
    for person in (reporter, author):
        delete_account(person)
    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.person_name) == ("Somebody", "Somebody")
    assert (entry.reason, entry.address) == ("", "")


def test_reports_and_the_audit_log_follow_a_guest_into_the_account_and_are_forgotten_with_it(insult):
    guest, account, author = create_guest(), create_guest(), insult.author
    again, _ = actions.send(author, insult.room, "again", uuid4())
    for reporter, message in ((guest, insult), (account, insult), (guest, again)):
        browser(reporter).post(address_of(message), {"reason": "he stalks me"})
    give_up_name(guest, account)
    assert sorted(Report.objects.values_list("user", "message")) == [
        (account.pk, insult.pk),
        (account.pk, again.pk),
    ]
    assert {entry.actor for entry in AuditEntry.objects.all()} == {account}
    give_up_name(author, account)
    browser(create_guest()).post(address_of(insult))  # the message is still the guest's
    told = AuditEntry.objects.filter(person=account).order_by("pk").values_list("person_name", flat=True)
    assert list(told) == [author.name] * 3 + [account.name]
    AuditEntry.objects.filter(number=again.number).update(person=author)  # as removals of old messages say
    delete_account(account)
    assert not Report.objects.filter(user__in=[guest, account]).exists()
    for entry in AuditEntry.objects.all():
        assert entry.person_name == "Somebody"
        assert (entry.reason, entry.actor_name) == ("", "Somebody") or entry.actor.is_active


def test_the_audit_log_forgets_the_words_of_closed_rooms_with_their_people(owning, owner, room):
    """Titles and topics of open rooms stay: they are everybody's."""
    opened = actions.open_room("lobby", owner)
    member = create_guest()
    add_member(Room.objects.get(key=room), member)  # so that the room stays
    for name in (room, opened.name):
        for words in ({"topic": "my own depression"}, {"topic": ""}):
            owning.post(f"/chat/{name}/settings/", {"title": "Therapy", **words})
    assert AuditEntry.objects.filter(reason="my own depression").count() == 2
    delete_account(owner)
    (left,) = AuditEntry.objects.filter(reason="my own depression")
    assert left.room == opened
    assert {entry.room_name for entry in AuditEntry.objects.exclude(room=opened)} == {""}
    assert not AuditEntry.objects.filter(reason="Therapy").exists()


def test_nobody_else_finds_the_moderators_room(staff, insult):
    reporter = create_guest()
    browser(reporter).post(address_of(insult))
    for user in (reporter, insult.author, create_guest()):
        client = browser(user)
        assert client.get(MODERATORS).status_code == 404
        assert "~moderators" not in client.get("/chat/").content.decode()
    demoted = User.objects.get(pk=staff.pk)
    assert browser(demoted).get(MODERATORS).status_code == 200
    demoted.is_staff = False
    demoted.save()
    assert browser(demoted).get(MODERATORS).status_code == 404
    promoted = User.objects.create_user("joan", name="Joan", is_staff=True)
    assert browser(promoted).get(MODERATORS).status_code == 404
    browser(create_guest()).post(address_of(insult))
    assert browser(promoted).get(MODERATORS).status_code == 200
    assert not Membership.objects.filter(room__key="~moderators", user=staff).exists()


def test_what_cannot_be_reported(insult):
    author, stranger = browser(insult.author), browser(create_guest())
    for response in (author.get(address_of(insult)), author.post(address_of(insult))):
        assert response.status_code == 403
    assert stranger.post("/chat/lobby/9/report/").status_code == 404
    actions.delete(insult.author, insult.room, 1)
    assert stranger.get(address_of(insult)).status_code == 404
    assert not Report.objects.exists()


@pytest.mark.parametrize("is_known", [True, False])
def test_the_reason_of_a_removal_is_reported_and_leads_to_who_gave_it(insult, is_known):
    owner = create_guest()
    Membership.objects.create(user=owner, room=insult.room, role=Role.OWNER)
    actions.write_all([Change(owner, insult.room, 1, None, reason="A > fool")])
    if not is_known:
        AuditEntry.objects.update(actor=None)
    client = browser(insult.author)
    page = client.get(address_of(insult)).content.decode()
    assert "Reason of the moderator" in page and "A &gt; fool" in page and owner.name not in page
    assert client.post(address_of(insult), {"reason": "A lie"}).status_code == 302
    name = owner.name if is_known else "an unknown moderator"
    assert Message.objects.get(room__key="~moderators").text.splitlines() == [
        f"I report the reason that {name} gave for removing a message in this room:",
        "> lobby",
        "http://testserver/chat/lobby/1/",
        *([f"Moderate: http://testserver/moderation/{owner.pk}/"] if is_known else []),
        "Reason: A lie",
        "",
        "> A > fool",
    ]
    entry = AuditEntry.objects.get(action="report")
    assert (entry.person, entry.person_name) == ((owner, owner.name) if is_known else (None, ""))


def test_a_removal_without_a_reason_cannot_be_reported(staff, insult):
    actions.delete(staff, insult.room, 1)
    assert browser(create_guest()).post(address_of(insult)).status_code == 404


def test_members_report_what_is_said_in_a_private_room(staff):
    owner, member = create_guest(), create_guest()
    room = create_private_room(owner, "Choir")
    Membership.objects.create(user=member, room=room)
    message, _ = actions.send(owner, room, "secret insult", uuid4())
    assert browser(create_guest()).get(address_of(message)).status_code == 404
    assert browser(member).post(address_of(message)).status_code == 302
    stored = Message.objects.get(room__key="~moderators").text
    assert "> Choir" in stored and "> secret insult" in stored
    assert browser(staff).get(f"/chat/{room.name}/").status_code == 404


def test_a_visitor_without_a_session_reports_as_a_new_guest(insult):
    client = Client()
    assert client.get(address_of(insult)).status_code == 200
    assert User.objects.filter(is_guest=True).count() == 1
    assert client.post(address_of(insult)).status_code == 302
    assert Report.objects.get().user.is_guest


def test_a_site_without_staff_keeps_reports(transactional_db):
    message, _ = actions.send(create_guest(), actions.open_room("lobby"), "insult", uuid4())
    assert browser(create_guest()).post(address_of(message)).status_code == 302
    assert not Room.objects.get(key="~moderators").membership_set.exists()
    late = make_staff()
    browser(create_guest()).post(address_of(message))
    assert "insult" in browser(late).get(MODERATORS).content.decode()


def test_the_moderators_room_stays_when_its_last_member_leaves(staff, insult):
    browser(create_guest()).post(address_of(insult))
    assert "last member" not in browser(staff).get(f"{MODERATORS}members/").content.decode()
    delete_account(staff)
    call_command("purge")
    assert Room.objects.get(key="~moderators").kind == "private"
    assert Message.objects.filter(room__key="~moderators").exists()
