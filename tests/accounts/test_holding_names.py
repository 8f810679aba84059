"""Unique display names: who gets a name, who loses it, and which name replaces it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import actions as account_actions
from accounts import display_names, queries
from accounts.models import RestingName, User
from base.api_errors import ApiError
from chat import actions
from chat.models import Message

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


def called(name):
    """Create a guest with a name."""
    return account_actions.rename(account_actions.create_guest(), name)


def account(name, username="ada"):
    return account_actions.sign_up(called(name), username, PASSWORD, "")


def goes_away(user, hours=25):
    at = timezone.now() - timedelta(hours=hours)
    user.date_joined = at
    User.objects.filter(pk=user.pk).update(seen_at=at, date_joined=at)


def comes(user):
    """Let a user load a page. Return their name."""
    client = Client()
    client.force_login(user)
    assert client.get("/chat/lobby/").status_code == 200
    return User.objects.get(pk=user.pk).name


def a_day_passes():
    RestingName.objects.update(until=F("until") - timedelta(days=1))


def say(user):
    return actions.send(user, actions.open_room("lobby"), "hi", uuid4())[0]


# Who gets it


def test_a_name_is_refused_while_somebody_has_one_that_looks_like_it():
    called("Alice")
    for taken in ("Alice", "ALICE", "AIice", "alice  ", "Alice.", "-Alice-"):
        with pytest.raises(ApiError, match=r"“Alice” is taken\. Choose another name\."):
            called(taken)
    assert called("Alice 2").name == "Alice 2"


def test_the_page_says_so():
    called("王小明")
    client = Client()
    client.get("/chat/lobby/")
    refused = client.post("/me/name/", {"name": "王小明"})
    assert refused.status_code == 400
    assert refused.json()["error"]["detail"] == "“王小明” is taken. Choose another name."
    refused = client.post("/me/", {"name": "王小明"})
    assert refused.status_code == 400
    assert "“王小明” is taken." in refused.content.decode()


def test_the_own_name_may_be_written_otherwise():
    ada = called("ada")
    assert account_actions.rename(ada, "ADA").name == "ADA"
    assert account_actions.rename(ada, "ADA").name == "ADA"


def test_a_name_that_was_left_is_free_after_a_day_and_at_once_for_who_left_it():
    ada = called("Ada")
    account_actions.rename(ada, "Ian Ill")
    account_actions.rename(ada, "Bob")
    for taken in ("Ada", "ADA.", "Ian Ill", "lan lll"):
        with pytest.raises(ApiError, match="in use until recently"):
            called(taken)
    assert account_actions.rename(ada, "Ada").name == "Ada"
    account_actions.rename(ada, "Bob")
    a_day_passes()
    assert called("Ada").name == "Ada"


def test_who_changes_names_again_and_again_keeps_the_last_few_from_others():
    ada = account_actions.create_guest()
    for name in ("Ada", "Bob", "Cleo", "Dora", "Eve"):
        account_actions.rename(ada, name)
    assert called("Ada").name == "Ada"
    for resting in ("Bob", "Cleo", "Dora"):
        with pytest.raises(ApiError, match="in use until recently"):
            called(resting)


def test_a_name_that_rests_is_given_to_no_guest(monkeypatch):
    account_actions.rename(called("Quiet Heron"), "Bob")
    monkeypatch.setattr(account_actions, "suggest_guest_names", lambda: ["Quiet Heron", "Merry Owl"])
    assert account_actions.create_guest().name == "Merry Owl"


def test_what_a_name_must_not_be_is_said():
    with pytest.raises(ApiError, match="mix scripts"):
        called("Аdа")


@pytest.mark.django_db(transaction=True)
def test_of_two_at_one_moment_one_gets_it(monkeypatch):
    """Both have found the name free."""
    people, both = [account_actions.create_guest() for _ in range(2)], Barrier(2, timeout=30)
    monkeypatch.setattr(queries, "find_holders", lambda name, exclude: [])

    def rename(user):
        try:
            both.wait()
            return account_actions.rename(user, "Ada").name
        except ApiError as refused:
            return refused.detail
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(rename, people))
    assert sorted(answers) == ["Ada", "That name is taken. Choose another name."]
    assert [user.name for user in User.objects.exclude(name_key=None)].count("Ada") == 1


# Who keeps it


def test_a_guest_who_is_away_loses_it_to_who_comes():
    ada = called("Ada")
    said = say(ada)
    Message.objects.update(created_at=timezone.now() - timedelta(hours=25))
    goes_away(ada)
    other = called("ada")
    assert other.name == "ada"
    ada.refresh_from_db()
    assert (ada.name, ada.name_key) == ("Ada 2", "ada 2")
    assert Message.objects.get(pk=said.pk).author_name == "Ada"


def test_a_guest_who_was_here_today_keeps_it():
    goes_away(called("Ada"), hours=23)
    with pytest.raises(ApiError):
        called("Ada")


def test_a_guest_who_has_spoken_today_keeps_it():
    ada = called("Ada")
    goes_away(ada)
    say(ada)
    with pytest.raises(ApiError):
        called("Ada")


def test_a_page_that_is_loaded_says_that_one_is_here():
    ada = called("Ada")
    goes_away(ada)
    comes(ada)
    with pytest.raises(ApiError):
        called("Ada")


def test_that_is_noted_once_an_hour():
    client = Client()
    client.get("/chat/lobby/")
    with CaptureQueriesContext(connection) as captured:
        client.get("/chat/lobby/")
    assert not [query for query in captured if query["sql"].startswith("UPDATE")]


def test_an_account_keeps_it_for_good():
    goes_away(account("Ada"), hours=10_000)
    with pytest.raises(ApiError):
        called("Ada")


def test_who_signs_up_keeps_it():
    client = Client()
    client.get("/chat/lobby/")
    client.post("/me/name/", {"name": "Ada"})
    said = {"username": "ada", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/me/sign-up/", said).status_code == 302
    ada = User.objects.get(username="ada")
    assert (ada.name, ada.name_key) == ("Ada", "ada")


def test_who_signs_in_leaves_the_guests_name_to_others():
    account("Ada")
    client = Client()
    client.get("/chat/lobby/")
    client.post("/me/name/", {"name": "Bob"})
    client.post("/me/sign-in/", {"username": "ada", "password": PASSWORD})
    with pytest.raises(ApiError, match="in use until recently"):
        called("Bob")
    assert client.post("/me/name/", {"name": "Bob"}).json() == {"name": "Bob"}


def test_a_deleted_account_frees_it_after_a_day():
    account_actions.delete_account(account("Ada"))
    with pytest.raises(ApiError, match="in use until recently"):
        called("Ada")
    a_day_passes()
    assert called("Ada").name == "Ada"


def test_deleted_accounts_are_all_called_somebody():
    for name in ("Ada", "Bob"):
        account_actions.delete_account(account(name, name))
    assert User.objects.filter(name="Somebody", name_key=None).count() == 2


# Who is called otherwise then


def test_who_comes_back_may_take_it_back_if_it_is_free():
    ada = called("Ada")
    goes_away(ada)
    other = called("Ada")
    account_actions.rename(other, "Bob")
    a_day_passes()
    assert comes(ada) == "Ada 2"
    assert account_actions.rename(ada, "Ada").name == "Ada"
    with pytest.raises(ApiError):
        account_actions.rename(other, "Ada")


def test_who_comes_back_is_called_nearly_so_if_it_is_not():
    people = [called("Ada")]
    for _ in range(2):
        goes_away(people[-1])
        people.append(called("Ada"))
    assert [comes(user) for user in people] == ["Ada 2", "Ada 3", "Ada"]


def test_nobody_speaks_under_a_name_that_is_anothers():
    ada = called("Ada")
    goes_away(ada)
    called("Ada")
    assert say(ada).author_name == "Ada 2"
    assert say(ada).author_name == "Ada 2"


def test_an_account_from_the_command_line_has_its_name_with_the_first_page():
    user = User.objects.create_superuser("root", password=PASSWORD)
    assert comes(user) == user.name
    with pytest.raises(ApiError):
        called(user.name)


def test_a_name_that_is_not_allowed_any_more_is_exchanged():
    user = User.objects.create(username="old", name="Admin")
    assert "Admin" not in comes(user)


# Guests


def test_no_two_guests_are_called_alike(monkeypatch):
    monkeypatch.setattr(display_names, "guest_name", lambda: "Quiet Heron")
    given = {account_actions.create_guest().name for _ in range(20)}
    assert len(given) == 20
    assert "Quiet Heron" in given


def test_a_guests_name_that_somebody_takes_just_now_is_not_given(monkeypatch):
    called("Quiet Heron")
    monkeypatch.setattr(account_actions, "suggest_guest_names", lambda: ["Quiet Heron", "Merry Owl"])
    monkeypatch.setattr(
        queries, "find_free_names", lambda names, user: list(names)
    )  # it was free when it was looked for
    assert account_actions.create_guest().name == "Merry Owl"


def test_a_guest_takes_two_queries():
    with CaptureQueriesContext(connection) as captured:
        account_actions.create_guest()
    assert len([query for query in captured if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]) == 2


# The administration site


def test_a_name_that_is_changed_there_is_free_as_well():
    called("Ada")
    bob = account("Bob")
    client = Client()
    client.force_login(User.objects.create_superuser("root", password=PASSWORD))
    page = f"/admin/accounts/user/{bob.pk}/change/"
    form = {"username": "ada", "date_joined_0": "2026-11-21", "date_joined_1": "00:00", "is_active": "on"}
    assert "That name is taken" in client.post(page, form | {"name": "ADA"}).content.decode()
    assert "t allowed" in client.post(page, form | {"name": "Admin"}).content.decode()
    assert client.post(page, form | {"name": "Bobby"}).status_code == 302
    with pytest.raises(ApiError):
        called("BOBBY")
    with pytest.raises(ApiError, match="in use until recently"):
        called("Bob")


# Those who were there before


@pytest.mark.django_db(transaction=True)
def test_who_was_there_before_holds_the_own_name_but_for_doubles(monkeypatch):
    """There are doubles within a batch of two people, and in different batches."""
    monkeypatch.setattr(import_module("chat.migrations.0008_hold_names"), "MOST_AT_ONCE", 2)
    executor = MigrationExecutor(connection)
    people = executor.migrate([("chat", "0007_name_key")]).apps.get_model("chat", "User").objects
    try:
        rows = [("Ada", True), ("Bob", True), ("bob", True), ("ADA", False), ("Ada", False), ("Admin", False)]
        for number, (name, is_guest) in enumerate(rows):
            people.create(username=str(number), name=name, is_guest=is_guest)
    finally:
        executor.loader.build_graph()
        executor.migrate(executor.loader.graph.leaf_nodes())
    held = User.objects.exclude(name_key=None).order_by("username").values_list("username", "name_key")
    assert list(held) == [("2", "bob"), ("3", "ada")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("at_once", [1, 1000])
def test_names_that_become_one_stay_with_one_and_those_that_are_reserved_now_with_nobody(
    monkeypatch, at_once
):
    migration = import_module("chat.migrations.0015_names_without_punctuation")
    monkeypatch.setattr(migration, "MOST_AT_ONCE", at_once)
    executor = MigrationExecutor(connection)
    people = executor.migrate([("chat", "0014_confirmed_email")]).apps.get_model("chat", "User").objects
    try:
        rows = [
            *(("Ada", "ada", True), ("Ada.", "ada.", False)),
            *(("Bob!", "bob!", True), ("Bob.", "bob.", False), ("Bob?", "bob?", False)),
            *(("Eve!", "eve!", True), ("Eve.", "eve.", True)),
            *(("Lobby Admin", "lobby adrnin", False), ("Ann", "ann", True)),
        ]
        for name, key, is_guest in rows:
            people.create(username=name, name=name, name_key=key, is_guest=is_guest)
    finally:
        executor.loader.build_graph()
        executor.migrate(executor.loader.graph.leaf_nodes())
    held = User.objects.exclude(name_key=None).order_by("username").values_list("username", "name_key")
    assert list(held) == [("Ada", "ada"), ("Ann", "ann"), ("Bob.", "bob"), ("Eve.", "eve")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("at_once", [1, 1000])
@pytest.mark.parametrize("state", ["0002_content_types", "0003_name_skeleton"])
def test_of_names_that_differ_in_signs_only_the_one_without_them_stays(monkeypatch, state, at_once):
    migration = import_module("accounts.migrations.0003_name_skeleton")
    monkeypatch.setattr(migration, "CHUNK", at_once)
    executor = MigrationExecutor(connection)
    people = executor.migrate([("accounts", state)]).apps.get_model("accounts", "User").objects
    try:
        signed = [("Ada ☆", "ada ☆", False), ("★Bob", "★bob", True), ("☆Bob", "☆bob", True)]
        for name, key, is_guest in [*signed, ("Ada", "ada", True), ("O'Brien", "o'brien", False)]:
            people.create(username=name, name=name, name_key=key, is_guest=is_guest)
    finally:
        executor.loader.build_graph()
        executor.migrate(executor.loader.graph.leaf_nodes())
    held = User.objects.exclude(name_key=None).order_by("username").values_list("username", "name_key")
    assert list(held) == [("Ada", "ada"), ("O'Brien", "obrien"), ("☆Bob", "bob")]


# The people of earlier versions whose names were spelled around the rules of their time.
AROUND = {
    "0019_one_space_in_rooms": [("ᴀda", "Ada", False), ("ꓮꓓꓟꓲꓠ", "adrnln", False)],
    "0021_mark_outdated_exports": [("Ada\ufffc", "ada\ufffc", False), ("Sysadmin", "sysadrnln", False)],
    "0024_message_not_deleted": [("Ada\u02bc", "ada'", False), ("Adminー", "adrnlnー", False)],
}


@pytest.mark.django_db(transaction=True)
def test_names_that_were_spelled_around_the_rules_are_keyed_again():
    executor = MigrationExecutor(connection)
    rows = [("Ada", "ada", True), ("Ann", "ann", True)]
    try:
        for state, around in AROUND.items():
            people = executor.migrate([("chat", state)]).apps.get_model("chat", "User").objects
            for name, key, is_guest in [*rows, *around]:
                people.create(username=name, name=name, name_key=key, is_guest=is_guest)
            executor.loader.build_graph()
            rows = []
    finally:
        executor.loader.build_graph()
        executor.migrate(executor.loader.graph.leaf_nodes())
    held = User.objects.exclude(name_key=None).order_by("username").values_list("username", "name_key")
    assert list(held) == [("Ada", "ada"), ("Ann", "ann")]
