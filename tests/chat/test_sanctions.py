"""Sanctions: staff silence people, and ban guests with their networks."""

from datetime import timedelta
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.test import Client
from django.utils import timezone

from accounts.actions import create_guest, give_up_name
from accounts.models import NetworkBan, User
from accounts.purge import purge_bans
from base.api_errors import ApiError
from chat import actions
from chat.actions.rooms import create_private_room
from chat.models import AuditEntry, Membership, Message, Role, Room
from tests.chat.people import browser, make_staff

# An address of the Internet, one of a private network, and a network of IPv6.
PUBLIC, PRIVATE, IPV6 = "93.184.216.34", "10.0.0.7", "2606:2800:220:1::/64"


@pytest.fixture
def moderating(transactional_db):
    return browser(make_staff())


def entries():
    return list(
        AuditEntry.objects.order_by("pk").values_list("action", "actor_name", "person_name", "reason")
    )


def test_a_silenced_person_reads_and_writes_nothing_until_then(moderating):
    guest, room = create_guest(), actions.open_room("lobby")
    actions.send(guest, room, "flood", uuid4())
    given = {"lifetime": "hour", "reason": "Flooding"}
    assert moderating.post(f"/moderation/{guest.pk}/silence/", given).status_code == 302
    for change in (
        lambda: actions.send(guest, room, "more", uuid4()),
        lambda: actions.edit(guest, room, 1, "changed"),
    ):
        with pytest.raises(ApiError) as refused:
            change()
        assert refused.value.code == "forbidden"
    assert browser(guest).get("/chat/lobby/").status_code == 200
    assert "silenced until" in moderating.get(f"/moderation/{guest.pk}/").content.decode()
    actions.delete(guest, room, 1)  # they may take back what they wrote
    assert moderating.post(f"/moderation/{guest.pk}/silence/").status_code == 302
    actions.send(guest, room, "sorry", uuid4())
    User.objects.filter(pk=guest.pk).update(silenced_until=timezone.now() - timedelta(seconds=1))
    actions.send(guest, room, "and on", uuid4())
    assert entries() == [
        ("silence", "Grace", guest.name, "Flooding"),
        ("end_silence", "Grace", guest.name, ""),
    ]


async def test_the_page_of_a_silenced_person_says_for_how_long(connect, guest):
    socket = await connect("lobby", user=guest)
    await User.objects.filter(pk=guest.pk).aupdate(silenced_until=timezone.now() + timedelta(minutes=3))
    await socket.say("hello")
    error = await socket.event("error")
    assert (error["code"], error["detail"]) == (
        "forbidden",
        "You've been silenced. You can write again in 3 min.",
    )
    assert not await Message.objects.aexists()


@pytest.mark.parametrize(
    ("network", "is_banned"),
    [(PUBLIC, True), (IPV6, True), (PRIVATE, False), ("127.0.0.1", False), ("", False)],
)
def test_a_banned_guest_does_not_come_back_as_another(moderating, network, is_banned):
    address = IPV6.replace("::/64", "::9") if network == IPV6 else network
    client = Client(REMOTE_ADDR=address)
    client.get("/chat/lobby/")
    guest = User.objects.get(is_guest=True)
    assert guest.network == network
    page = moderating.post(f"/moderation/{guest.pk}/ban/", {"lifetime": "day", "reason": "Spam"}, follow=True)
    assert ("new guests from the same network" in page.content.decode()) == is_banned
    answer = client.get("/chat/lobby/")
    assert answer.status_code == (403 if is_banned else 200)
    assert User.objects.filter(is_guest=True, is_active=True).count() == (0 if is_banned else 1)
    assert Client(REMOTE_ADDR="93.184.216.35").get("/chat/lobby/").status_code == 200  # others come in
    NetworkBan.objects.update(until=timezone.now())
    assert client.get("/chat/lobby/").status_code == 200
    assert purge_bans() == is_banned
    assert entries() == [("ban", "Grace", guest.name, "Spam")]


async def test_a_plain_client_of_a_banned_network_says_nothing(connect):
    await NetworkBan.objects.acreate(network=PUBLIC, until=timezone.now() + timedelta(hours=1))
    socket = await connect("lobby", address=PUBLIC)
    await socket.say("hello")
    assert (await socket.event("error"))["code"] == "forbidden"
    assert not await User.objects.aexists()


async def test_the_sockets_of_a_banned_person_close(connect, guest):
    socket = await connect("lobby", user=guest)
    await socket.event("welcome")
    moderating = await database_sync_to_async(lambda: browser(make_staff()))()
    await database_sync_to_async(moderating.post)(f"/moderation/{guest.pk}/ban/", {"lifetime": "hour"})
    assert await socket.close_code() == 4403


def test_accounts_of_a_banned_network_go_on(transactional_db):
    NetworkBan.objects.create(network=PUBLIC, until=timezone.now() + timedelta(hours=1))
    ada = User.objects.create_user("ada", name="Ada")
    client = Client(REMOTE_ADDR=PUBLIC)
    client.force_login(ada)
    assert client.get("/chat/lobby/").status_code == 200


@pytest.mark.parametrize("address", ["", "silence/", "ban/"])
@pytest.mark.parametrize("who", ["nobody", "a guest", "other staff", "a missing person"])
def test_only_staff_moderate_and_not_each_other(transactional_db, address, who):
    staff = make_staff()
    person = User.objects.create_user("ada", name="Ada", is_staff=who == "other staff")
    client = {"nobody": Client(), "a guest": browser(create_guest())}.get(who) or browser(staff)
    path = f"/moderation/{10**9 if who == 'a missing person' else person.pk}/{address}"
    answer = client.post(path, {"lifetime": "hour"}) if address else client.get(path)
    assert answer.status_code == 404
    person.refresh_from_db()
    assert person.is_active and not person.is_silenced
    assert entries() == []


def test_a_bad_choice_is_told(moderating):
    guest = create_guest()
    for form in ("silence", "ban"):
        page = moderating.post(f"/moderation/{guest.pk}/{form}/", {"lifetime": "year"})
        assert (page.status_code, "for how long" in page.content.decode()) == (400, True)


def test_the_audit_log_of_the_site_is_for_staff(moderating):
    guest = create_guest()
    User.objects.filter(username="grace").update(is_superuser=True)
    moderating.post(f"/moderation/{guest.pk}/ban/", {"lifetime": "hour", "reason": "Spam"})
    page = moderating.get("/admin/chat/auditentry/").content.decode()
    assert "Banned somebody" in page and guest.name in page


@pytest.mark.parametrize(("days", "is_banned"), [(1, True), (8, False)])
def test_a_new_account_is_banned_with_its_network(moderating, days, is_banned):
    """Otherwise a guest who signs up could come back as another at once."""
    client = Client(REMOTE_ADDR=PUBLIC)
    client.get("/chat/lobby/")
    joined = timezone.now() - timedelta(days=days)
    User.objects.filter(is_guest=True).update(is_guest=False, date_joined=joined)
    account = User.objects.get(is_staff=False)
    asked = moderating.get(f"/moderation/{account.pk}/").content.decode()
    assert ("Block their network for" in asked) == is_banned
    assert asked.count('name="lifetime"') == 2  # of both forms
    page = moderating.post(f"/moderation/{account.pk}/ban/", {"lifetime": "day"}, follow=True)
    assert ("new guests from the same network" in page.content.decode()) == is_banned
    assert Client(REMOTE_ADDR=PUBLIC).get("/chat/lobby/").status_code == (403 if is_banned else 200)


@pytest.mark.parametrize("takes_all", [True, False])
def test_staff_reach_the_account_of_a_guest_who_has_signed_in(moderating, takes_all):
    guest, account = create_guest(), User.objects.create_user("ada", name="Ada")
    give_up_name(guest, account, takes_all)
    own = f"/moderation/{account.pk}/"
    page = moderating.get(f"/moderation/{guest.pk}/", follow=True)
    assert page.redirect_chain == [(own, 302)]
    assert "This guest has signed in" in page.content.decode()
    for act in ("silence", "approve"):
        answer = moderating.post(f"/moderation/{guest.pk}/{act}/", {"lifetime": "hour", "approved": "1"})
        assert answer.headers["Location"] == own
    account.refresh_from_db()
    assert account.is_silenced and account.is_approved
    moderating.post(f"/moderation/{guest.pk}/ban/", {"lifetime": "hour"})
    account.refresh_from_db()
    assert not account.is_active
    assert entries() == [(action, "Grace", "Ada", "") for action in ("silence", "approve", "ban")]
    assert moderating.get(f"/moderation/{guest.pk}/").status_code == 404


def test_a_shorter_ban_does_not_end_a_longer_one(moderating):
    guests = [create_guest(PUBLIC), create_guest(PUBLIC)]
    for guest, lifetime in zip(guests, ("week", "hour"), strict=True):
        moderating.post(f"/moderation/{guest.pk}/ban/", {"lifetime": lifetime})
    assert NetworkBan.objects.get().until > timezone.now() + timedelta(days=6)


@pytest.mark.parametrize("is_same", [True, False])
def test_signing_in_is_no_way_around_the_ban_of_a_network(moderating, is_same):
    """Neither to an old account nor after "Not on this device"."""
    joined = timezone.now() - timedelta(days=8)
    guest, account = create_guest(PUBLIC), User.objects.create_user("ada", name="Ada", date_joined=joined)
    give_up_name(guest, account, is_same=is_same)
    page = moderating.get(f"/moderation/{guest.pk}/", follow=True).content.decode()
    assert ("/silence/" in page, "/ban/" in page) == (is_same, True)
    moderating.post(f"/moderation/{guest.pk}/ban/", {"lifetime": "day"})
    assert Client(REMOTE_ADDR=PUBLIC).get("/chat/lobby/").status_code == 403
    account.refresh_from_db()
    assert account.is_active != is_same


def test_staff_do_not_moderate_a_guest_who_has_signed_in_as_staff(moderating):
    guest = create_guest()
    give_up_name(guest, User.objects.create_user("joan", name="Joan", is_staff=True))
    assert moderating.get(f"/moderation/{guest.pk}/").status_code == 404


def test_a_silenced_person_shows_no_text_elsewhere(moderating):
    """Names and direct rooms stand in the lists of others."""
    guest, other = create_guest(), create_guest()
    actions.send(other, actions.open_room("lobby"), "hello", uuid4())
    moderating.post(f"/moderation/{guest.pk}/silence/", {"lifetime": "hour"})
    client = browser(guest)
    for address, given in (
        ("/me/name/", {"name": "visit evil dot example"}),
        ("/rooms/private/", {"title": "evil"}),
        ("/rooms/direct/", {"person": other.pk, "room": "lobby"}),
    ):
        refused = client.post(address, given)
        assert refused.status_code in (400, 403)
        assert "silenced" in refused.content.decode()
    room = create_private_room(other, "Choir")
    Membership.objects.create(user=guest, room=room, role=Role.OWNER)
    assert client.post(f"/chat/{room.name}/settings/", {"title": "evil"}).status_code == 403
    guest.refresh_from_db()
    assert guest.name != "visit evil dot example" and Room.objects.filter(title="evil").count() == 0


def test_a_silenced_owner_changes_nobodys_role_and_invites_nobody(moderating):
    guest, other, another = create_guest(), create_guest(), create_guest()
    moderating.post(f"/moderation/{guest.pk}/silence/", {"lifetime": "hour"})
    private, lobby = create_private_room(other, "Choir"), actions.open_room("lobby", other)
    for room, person, role in (
        (private, guest, Role.OWNER),
        (private, another, Role.MEMBER),
        (lobby, guest, Role.OWNER),
        (lobby, another, Role.MODERATOR),
    ):
        Membership.objects.create(user=person, room=room, role=role)
    before = list(Membership.objects.order_by("pk").values_list("user", "role"))
    for address, given in (
        (f"/chat/{private.name}/members/{another.pk}/remove/", {}),
        (f"/chat/{private.name}/members/{another.pk}/role/", {"role": "owner"}),
        (f"/chat/lobby/members/{other.pk}/role/", {"role": "member"}),
        (f"/chat/{private.name}/invitations/", {"role": "moderator", "lifetime": "day", "uses": "any"}),
    ):
        refused = browser(guest).post(address, given)
        assert refused.status_code in (400, 403)
        assert "silenced" in refused.content.decode()
    assert list(Membership.objects.order_by("pk").values_list("user", "role")) == before
    assert not private.invitation_set.exists()
    actions.open_room("new", guest)  # it is the staff's
    assert not Membership.objects.filter(room__key="new").exists()
