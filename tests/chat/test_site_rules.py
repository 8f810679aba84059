"""The site's rules: who may write in open rooms, and what new guests may send."""

import asyncio
import re
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import Permission
from django.utils import timezone
from django.utils.html import escape

from accounts.actions import create_guest
from accounts.models import User
from base.api_errors import ApiError
from chat import actions
from chat.actions import rooms
from chat.actions.change_batch import Change
from chat.actions.rooms import create_private_room, open_direct_room
from chat.actions.site_rules import MAX_MENTIONS_OF_NEW_GUEST, change_rules
from chat.models import AuditEntry, Membership, Message, Room, SiteRules
from chat.models.site_rules import TTL
from live import hub
from tests.chat.people import browser, make_staff

SIGN_UP = "Sign up to write here."
APPROVAL = "You can write here once the site's staff have approved you."
RULES = "/admin/chat/siterules/"


@pytest.fixture
def set_rules(transactional_db):
    """Store the site's rules like another process whose event is lost, and let this process read them."""

    def set_rules(**rules):
        SiteRules.objects.update_or_create(pk=1, defaults=rules)
        SiteRules.forget()

    yield set_rules
    SiteRules.forget()


@pytest.fixture
def lobby(transactional_db):
    return actions.open_room("lobby")


def account(name="Ada"):
    return User.objects.create_user(name.lower(), name=name)


def say(author, room, text="hi"):
    return actions.send(author, room, text, uuid4())[0]


def refusal(change, *arguments):
    with pytest.raises(ApiError) as refused:
        change(*arguments)
    assert refused.value.code == "forbidden"
    return str(refused.value.detail)


# Who may write


def test_where_people_need_an_account_guests_only_read(set_rules, lobby):
    guest, approved = create_guest(), create_guest()
    before = say(guest, lobby)
    set_rules(writers="accounts")
    for author in (guest, None):
        assert refusal(say, author, lobby) == SIGN_UP
    assert refusal(actions.edit, guest, lobby, before.number, "changed") == SIGN_UP
    actions.delete(guest, lobby, before.number)  # they may take back what they wrote
    User.objects.filter(pk=approved.pk).update(is_approved=True)
    for author in (account(), make_staff(), approved):
        assert say(author, lobby).text == "hi"
    set_rules(writers="everyone")
    assert say(guest, lobby).text == "hi"


def test_where_people_need_approval_staff_give_and_revoke_it(set_rules, lobby):
    set_rules(writers="approved")
    ada, staff = account(), make_staff()
    moderating, page = browser(staff), f"/moderation/{ada.pk}/"
    assert say(staff, lobby).text == "hi"
    for author in (ada, create_guest(), None):
        assert refusal(say, author, lobby) == APPROVAL
    assert moderating.post(f"{page}approve/", {"approved": "1"}).status_code == 302
    assert "Revoke approval" in moderating.get(page).content.decode()
    assert say(ada, lobby).text == "hi"  # with the object from before: the stored person counts
    assert moderating.post(f"{page}approve/").status_code == 302
    assert refusal(say, ada, lobby) == APPROVAL
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "actor_name", "person_name")) == [
        ("approve", "Grace", "Ada"),
        ("end_approval", "Grace", "Ada"),
    ]


@pytest.mark.parametrize("who", ["a guest", "an account", "other staff"])
def test_only_staff_approve_and_not_each_other(transactional_db, who):
    person = User.objects.create_user("eve", name="Eve", is_staff=who == "other staff")
    client = browser({"a guest": create_guest, "an account": account}.get(who, make_staff)())
    assert client.post(f"/moderation/{person.pk}/approve/", {"approved": "1"}).status_code == 404
    person.refresh_from_db()
    assert not person.is_approved


def test_members_of_private_rooms_write_there_whatever_the_rules(set_rules):
    set_rules(writers="approved")
    owner, member = create_guest(), create_guest()
    room = create_private_room(owner, "Choir")
    Membership.objects.create(user=member, room=room)
    assert say(member, room).text == "hi"
    assert 'id="composer" method="dialog">' in browser(member).get(f"/chat/{room.name}/").content.decode()


def test_direct_rooms_are_opened_from_rooms_where_one_may_write(set_rules, lobby):
    guest, other, known = create_guest(), create_guest(), create_guest()
    for author in (other, known):
        say(author, lobby)
    direct = open_direct_room(guest, known.pk, lobby)
    set_rules(writers="accounts")
    assert refusal(open_direct_room, guest, other.pk, lobby) == SIGN_UP
    assert open_direct_room(guest, known.pk, lobby) == direct
    assert say(guest, direct).text == "hi"


def test_owners_change_open_rooms_only_where_they_may_write(set_rules):
    owner = create_guest()
    room = actions.open_room("owned", owner)
    set_rules(writers="accounts")
    page = browser(owner).post("/chat/owned/settings/", {"topic": "Spam"})
    assert (page.status_code, SIGN_UP in page.content.decode()) == (403, True)
    room.refresh_from_db()
    assert room.topic_line == ""


@pytest.mark.parametrize(
    ("writers", "shown"), [("everyone", None), ("accounts", SIGN_UP), ("approved", APPROVAL)]
)
@pytest.mark.parametrize("name", ["lobby", "not made yet"])
def test_the_page_says_what_its_person_lacks(set_rules, lobby, writers, shown, name):
    set_rules(writers=writers)
    page = browser(create_guest()).get(f"/chat/{name}/").content.decode()
    assert ('id="composer-sign-up" hidden' in page) == (shown != SIGN_UP)
    assert (f'id="composer-closed">{escape(APPROVAL)}' in page) == (shown == APPROVAL)
    assert ('id="composer" method="dialog" hidden' in page) == bool(shown)
    assert 'id="composer" method="dialog">' in browser(make_staff()).get(f"/chat/{name}/").content.decode()


@pytest.mark.parametrize(
    ("writers", "requirement", "detail"),
    [("accounts", "account", SIGN_UP), ("approved", "approval", APPROVAL)],
)
@pytest.mark.parametrize("is_plain", [True, False])
async def test_a_socket_is_told_what_is_required(
    connect, set_rules, guest, is_plain, writers, requirement, detail
):
    await database_sync_to_async(set_rules)(writers=writers)
    socket = await connect("lobby", plain=is_plain, user=None if is_plain else guest)
    if is_plain:
        await socket.send_command(message="hi")
        error = (await socket.receive())["error"]
    else:
        assert (await socket.event("welcome"))["settings"]["requirement"] == requirement
        await socket.say("hi")
        error = await socket.event("error")
    assert (error["code"], error["detail"]) == ("forbidden", detail)
    assert not await Message.objects.aexists()
    assert await User.objects.acount() == 1  # no guest was created


async def test_open_tabs_hear_of_rules_and_of_approval(connect, set_rules, guest):
    staff = await database_sync_to_async(make_staff)()
    tab, other = await connect("lobby", user=guest), await connect("lobby", user=staff)
    private = await database_sync_to_async(create_private_room)(guest, "Choir")
    inside = await connect(private.name, user=guest)
    assert "requirement" not in (await tab.event("welcome"))["settings"]
    await database_sync_to_async(change_rules)(staff, {"writers": "approved"})
    assert (await tab.event("requirement"))["requirement"] == "approval"
    for approved, requirement in (("1", ""), (None, "approval")):
        form = {"approved": approved} if approved else {}
        moderating = await database_sync_to_async(lambda: browser(staff))()
        await database_sync_to_async(moderating.post)(f"/moderation/{guest.pk}/approve/", form)
        assert (await tab.event("requirement"))["requirement"] == requirement
    await database_sync_to_async(change_rules)(staff, {"writers": "everyone"})
    assert (await tab.event("requirement"))["requirement"] == ""
    assert await other.hears_none("requirement") and await inside.hears_none("requirement")


async def test_open_tabs_hear_of_approval_even_if_the_notification_is_lost(
    connect, set_rules, guest, monkeypatch
):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.05)
    await database_sync_to_async(set_rules)(writers="approved")
    tab = await connect("lobby", user=guest)
    assert (await tab.event("welcome"))["settings"]["requirement"] == "approval"
    for is_approved, requirement in ((True, ""), (False, "approval")):
        await User.objects.filter(pk=guest.pk).aupdate(is_approved=is_approved)
        async with asyncio.timeout(20):
            assert (await tab.event("requirement"))["requirement"] == requirement


async def test_open_tabs_hear_of_rules_even_if_the_notification_is_lost(
    connect, set_rules, guest, monkeypatch
):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.05)
    tab = await connect("lobby", user=guest)
    await tab.event("welcome")
    await database_sync_to_async(set_rules)(writers="accounts")
    async with asyncio.timeout(20):
        assert (await tab.event("requirement"))["requirement"] == "account"


def test_a_process_reads_the_rules_at_most_once_a_second(
    set_rules, lobby, monkeypatch, django_assert_num_queries
):
    guest = create_guest()
    set_rules(writers="accounts")
    assert refusal(say, guest, lobby) == SIGN_UP
    SiteRules.objects.update(writers="everyone")  # by another process
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with django_assert_num_queries(0):
        assert SiteRules.current().writers == "accounts"
    monkeypatch.setattr(time, "monotonic", lambda: now + TTL)
    assert say(guest, lobby).text == "hi"


# What new guests may send


def mention(count):
    return " ".join(f"@somebody{number}" for number in range(count))


def test_reasons_of_new_guests_have_no_links(set_rules):
    owner = create_guest()
    room = actions.open_room("owned", owner)
    say(create_guest(), room)
    set_rules(guest_minutes=10)
    removal = Change(owner, room, 1, None, reason="see https://spam.example")
    (error,) = actions.write_all([removal])
    assert "links" in str(error.detail) and Message.objects.get().text == "hi"
    actions.write_all([removal._replace(reason="Spam")])
    assert Message.objects.get().removal_reason == "Spam"


def test_topics_of_new_guests_have_no_links(set_rules):
    owner = create_guest()
    room = actions.open_room("owned", owner)
    set_rules(guest_minutes=10)
    with pytest.raises(ApiError, match="links"):
        rooms.change_room(owner, room, {"topic": "see https://spam.example"})
    rooms.change_room(owner, room, {"topic": "Tea"})
    assert Room.objects.get().topic_line == "Tea"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("see HTTPS://spam.example", "links"),
        ("`http://spam.example`", "links"),
        (mention(MAX_MENTIONS_OF_NEW_GUEST + 1), "mention at most 3 people"),
    ],
)
def test_new_guests_send_no_links_and_mention_few_people(set_rules, lobby, text, reason):
    set_rules(guest_minutes=10)
    guest = create_guest()
    for author in (guest, None):
        assert reason in refusal(say, author, lobby, text)
    message = say(guest, lobby, mention(MAX_MENTIONS_OF_NEW_GUEST))
    assert "first 10 min" in refusal(actions.edit, guest, lobby, message.number, text)
    for allowed in (
        {"is_approved": True},
        {"is_guest": False},
        {"date_joined": timezone.now() - timedelta(minutes=11)},
    ):
        User.objects.filter(pk=guest.pk).update(**{"is_approved": False, "is_guest": True} | allowed)
        assert say(User.objects.get(pk=guest.pk), lobby, text).text == text


def test_new_guests_send_links_in_their_private_rooms_but_not_in_direct_ones(set_rules, lobby):
    guest, other = create_guest(), create_guest()
    say(other, lobby)
    set_rules(guest_minutes=10)
    link = "https://example.org/"
    assert say(guest, create_private_room(guest, "Choir"), link).text == link
    assert "links" in refusal(say, guest, open_direct_room(guest, other.pk, lobby), link)


def test_without_rules_new_guests_send_all(transactional_db, lobby):
    assert say(None, lobby, f"https://example.org/ {mention(10)}").number


# The administration site


def test_administrators_set_the_rules_at_once(transactional_db, lobby):
    root = User.objects.create_superuser("root", name="Root")
    client, guest = browser(root), create_guest()
    assert say(guest, lobby).text == "hi"
    client.post(f"{RULES}add/", {"writers": "accounts", "guest_minutes": "10"})
    try:
        assert refusal(say, guest, lobby) == SIGN_UP
        assert client.get(f"{RULES}add/").status_code == 403  # there is one row
        assert client.post(f"{RULES}1/delete/", {"post": "yes"}).status_code == 403
        for bad in ({"writers": "nobody"}, {"guest_minutes": "-1"}, {"guest_minutes": "10081"}):
            given = {"writers": "everyone", "guest_minutes": "0"} | bad
            assert client.post(f"{RULES}1/change/", given).status_code == 200
        client.post(f"{RULES}1/change/", {"writers": "everyone", "guest_minutes": "0"})
        assert say(guest, lobby).text == "hi"
    finally:
        SiteRules.forget()
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "actor_name", "reason")) == [
        ("set_site_rules", "Root", "writers: accounts, new guests: 10 min"),
        ("set_site_rules", "Root", "writers: everyone, new guests: 0 min"),
    ]


def test_a_form_sets_no_rule_back_that_others_of_staff_have_changed_since(transactional_db):
    root = User.objects.create_superuser("root", name="Root")
    client, rules = browser(root), SiteRules.objects.create()
    page = client.get(f"{RULES}1/change/").content.decode()
    shown = dict(re.findall(r'name="(initial-\w+)" value="(\w+)"', page))
    change_rules(root, {"writers": "approved"})
    client.post(f"{RULES}1/change/", shown | {"writers": "everyone", "guest_minutes": "10"})
    rules.refresh_from_db()
    SiteRules.forget()
    assert (rules.writers, rules.guest_minutes) == ("approved", 10)


def test_staff_set_the_rules_only_with_the_permission(transactional_db):
    staff = make_staff()
    SiteRules.objects.create()
    change = f"{RULES}1/change/"
    assert browser(staff).get(change).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="change_siterules"))
    assert browser(staff).get(change).status_code == 200


def test_there_is_one_row_of_rules(transactional_db):
    from django.db import IntegrityError

    with pytest.raises(IntegrityError):
        SiteRules.objects.create(pk=2)


def test_who_may_not_write_owns_no_open_room_and_moderates_none(set_rules):
    owner, other, author = create_guest(), create_guest(), account()
    room = actions.open_room("of a guest", owner)
    message = say(author, room)
    say(other, room)
    set_rules(writers="accounts")
    assert refusal(actions.delete, owner, room, message.number) == SIGN_UP
    page = browser(owner).post("/chat/of%20a%20guest/members/add/", {"name": other.name, "role": "moderator"})
    assert page.status_code == 403
    assert 'id="topic-form"' not in browser(owner).get("/chat/of%20a%20guest/").content.decode()
    assert not Membership.objects.filter(room=actions.open_room("squatted", owner)).exists()


def test_a_link_that_was_sent_before_the_rule_is_acknowledged_again(set_rules, lobby):
    guest, client_id = create_guest(), uuid4()
    first, _ = actions.send(guest, lobby, "see https://example.org", client_id)
    set_rules(guest_minutes=5)
    assert actions.send(guest, lobby, "see https://example.org", client_id) == (first, False)
    assert "can't send links" in refusal(say, guest, lobby, "see https://example.org")
