"""Row locks: rows that a transaction relies on do not change until it commits.

Only PostgreSQL has them, so `test_postgres.py` runs this file: it has no name that pytest collects by itself.
"""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection, transaction

from accounts import queries
from accounts.actions import create_guest, delete_account, give_up_name
from accounts.models import User
from accounts.purge import purge_guests
from base.api_errors import ApiError
from chat import actions
from chat.actions import members, rooms
from chat.models import Message, Room
from chat.queries import locks
from tests.tasks.test_jobs import days_ago

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people():
    return [create_guest() for _ in range(2)]


@pytest.fixture
def room():
    return actions.open_room("lobby")


@pytest.fixture
def meanwhile(monkeypatch):
    """Run a function in a transaction, and another that must wait for it. Return the other's result."""
    monkeypatch.setattr(locks, "LOCK_TIMEOUT", 2)

    def meanwhile(do, do_other):
        with ThreadPoolExecutor(1) as thread:
            with transaction.atomic():
                do()
                other = thread.submit(with_a_connection, do_other)
                while not fetch("SELECT FROM pg_locks WHERE NOT granted"):
                    assert not other.done(), "it did not wait"
            return other.result()

    return meanwhile


def with_a_connection(do):
    try:
        return do()
    finally:
        connection.close()


def fetch(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def refused(do):
    with pytest.raises(ApiError) as error:
        do()
    return error.value.code


def test_a_message_that_is_sent_again_at_the_same_time_is_stored_once(room, meanwhile):
    client_id = uuid4()

    def send():
        return actions.send(None, room, "once", client_id, has_session=False)

    message, is_new = meanwhile(send, send)
    assert not is_new
    assert Message.objects.get() == message


def test_a_message_that_is_deleted_at_the_same_time_is_not_edited(people, room, meanwhile):
    author = people[0]
    number = actions.send(author, room, "regretted", uuid4())[0].number

    def edit():
        return refused(lambda: actions.edit(author, room, number, "edited"))

    assert meanwhile(lambda: actions.delete(author, room, number), edit) == "not_found"
    assert Message.objects.get().text == ""


def test_a_person_who_is_deleted_at_the_same_time_writes_nothing(people, room, meanwhile):
    def send():
        return refused(lambda: actions.send(people[0], room, "too late", uuid4()))

    assert meanwhile(lambda: delete_account(people[0]), send) == "forbidden"
    assert not Message.objects.exists()


def test_a_guest_who_writes_when_the_purge_begins_stays(people, room, meanwhile):
    User.objects.update(date_joined=days_ago(8), seen_at=days_ago(8))
    guest = User.objects.get(pk=people[0].pk)
    assert meanwhile(lambda: actions.send(guest, room, "hi", uuid4()), purge_guests) == 1
    assert User.objects.get() == guest


def test_a_direct_room_that_a_guest_hands_over_is_found_and_not_opened_again(people, room, meanwhile):
    guest, other = people
    account = create_guest()
    actions.send(other, room, "hello", uuid4())
    direct = rooms.open_direct_room(guest, other.pk, room)
    found = meanwhile(
        lambda: give_up_name(guest, account), lambda: rooms.open_direct_room(account, other.pk, room)
    )
    assert found == direct


def test_two_people_of_a_direct_room_who_sign_in_at_the_same_time_find_it(people, room, meanwhile):
    accounts = [create_guest(), create_guest()]
    actions.send(people[1], room, "hello", uuid4())
    direct = rooms.open_direct_room(people[0], people[1].pk, room)
    actions.send(people[0], direct, "hi", uuid4())
    meanwhile(lambda: give_up_name(people[0], accounts[0]), lambda: give_up_name(people[1], accounts[1]))
    assert Room.objects.get(kind="direct").person_keys == {account.pk for account in accounts}


@pytest.mark.parametrize("end", [delete_account, lambda person: actions.leave(person, Room.objects.get())])
def test_a_private_room_whose_last_members_leave_at_the_same_time_is_deleted(people, meanwhile, end):
    owner, member = people
    private = rooms.create_private_room(owner, "Choir")
    members.add_member(private, member)
    meanwhile(lambda: end(member), lambda: actions.leave(owner, private))
    assert Room.objects.get().kind == "deleted"


def test_rows_are_locked_in_their_order(people):
    User.objects.filter(pk=people[0].pk).update(first_name="moved behind the other")
    with transaction.atomic():
        for scan in ("indexscan", "bitmapscan"):
            fetch(f"SELECT set_config('enable_{scan}', 'off', true)")
        assert fetch("SELECT id FROM chat_user") == [(people[1].pk,), (people[0].pk,)]
        assert list(queries.lock_active_people({each.pk for each in people})) == [each.pk for each in people]


def test_a_locked_person_may_be_referred_to(people):
    """Otherwise, a message that mentions a person would wait for the person's own writes."""

    def refer():
        LogEntry.objects.create(user=people[0], action_flag=1)

    with transaction.atomic():
        queries.lock_active(people[0])
        with ThreadPoolExecutor(1) as thread:
            thread.submit(with_a_connection, refer).result()


def test_a_batch_waits_for_locks_briefly_and_other_transactions_as_before():
    (before,) = fetch("SHOW lock_timeout")
    with transaction.atomic():
        locks.limit_lock_wait()
        assert fetch("SHOW lock_timeout") == [("100ms",)]
    assert fetch("SHOW lock_timeout") == [before] != [("100ms",)]
