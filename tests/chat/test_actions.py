"""Actions: each change is stored once, in order, and only for its author."""

from functools import partial
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.actions import create_guest, delete_account, rename
from accounts.models import User
from base.api_errors import ApiError
from chat import actions
from chat.actions import Member
from chat.models import Membership, Message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada():
    return create_guest()


@pytest.fixture
def room():
    return actions.open_room("lobby")


def say(author, room, text="hi", client_id=None):
    message, _ = actions.send(author, room, text, client_id or uuid4())
    return message


def test_spellings_of_a_name_open_the_same_room():
    assert actions.open_room("Lobby") == actions.open_room("LOBBY")
    assert actions.open_room("LOBBY").name == "Lobby"
    assert actions.open_room("lobby ").epoch != actions.open_room("other").epoch


def test_each_change_takes_the_next_seq_without_gaps(ada, room):
    one, two = say(ada, room), say(ada, room)
    edited = actions.edit(ada, room, one.number, "hi!")
    deleted = actions.delete(ada, room, two.number)
    assert [one.seq, two.seq, edited.seq, deleted.seq] == [1, 2, 3, 4]
    assert (edited.number, deleted.number) == (1, 2)
    room.refresh_from_db()
    assert room.last_seq == 4


def test_a_message_that_is_sent_again_is_stored_once(ada, room):
    client_id = uuid4()
    one, is_new = actions.send(ada, room, "hi", client_id)
    again, is_new_again = actions.send(ada, room, "hi", client_id)
    assert (is_new, is_new_again, again) == (True, False, one)
    assert say(create_guest(), room, client_id=client_id) != one
    assert Message.objects.count() == 2
    room.refresh_from_db()
    assert room.last_seq == 2


def test_client_ids_are_unique_within_a_room(ada, room):
    sent, other = say(ada, room), actions.open_room("other")
    for _ in range(2):
        message, is_new = actions.send(ada, other, "there", sent.client_id)
        assert (message.room, message.text) == (other, "there")
    assert not is_new
    assert [each.text for each in Message.objects.order_by("pk")] == ["hi", "there"]


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "bad_frame"), (" \n\t", "bad_frame"), ("\0", "bad_frame"), ("x" * 4001, "too_long")],
)
def test_an_invalid_text_leaves_no_trace(ada, room, text, code):
    sent = say(ada, room)
    for refused in (
        lambda: actions.send(ada, room, text, uuid4()),
        lambda: actions.edit(ada, room, sent.number, text),
    ):
        with pytest.raises(ApiError) as raised:
            refused()
        assert raised.value.code == code
    room.refresh_from_db()
    assert room.last_seq == 1
    assert say(ada, room, "x" * 4000).seq == 2


def test_only_the_author_changes_a_message(ada, room):
    sent = say(ada, room)
    other = create_guest()
    for refused in (
        lambda: actions.edit(other, room, sent.number, "mine"),
        lambda: actions.delete(other, room, sent.number),
    ):
        with pytest.raises(ApiError) as raised:
            refused()
        assert raised.value.code == "forbidden"
    room.refresh_from_db()
    assert room.last_seq == 1  # refused messages took no seq


def test_a_deleted_message_keeps_its_row_without_text(ada, room):
    sent = say(ada, room, "a secret")
    actions.delete(ada, room, sent.number)
    assert not Message.objects.filter(text__contains="secret").exists()
    with pytest.raises(ApiError) as raised:
        actions.edit(ada, room, sent.number, "back again")
    assert raised.value.code == "not_found"


def test_deactivated_people_are_refused(ada, room):
    User.objects.filter(pk=ada.pk).update(is_active=False)
    for refused in (lambda: say(ada, room), lambda: rename(ada, "Ada")):
        with pytest.raises(ApiError) as raised:
            refused()
        assert raised.value.code == "forbidden"


def test_a_person_with_a_reused_key_is_refused(ada, room):
    message = say(ada, room)
    User.objects.filter(pk=ada.pk).update(username="other", date_joined=timezone.now())
    for act in (partial(say, ada, room), partial(actions.delete, ada, room, message.number)):
        with pytest.raises(ApiError, match="signed out"):
            act()
    assert say(User.objects.get(), room).number == 2


def test_messages_keep_the_name_that_they_were_sent_with(ada, room):
    before = say(ada, room)
    assert rename(ada, " 王小明 ").name == "王小明"
    after = say(ada, room)
    before.refresh_from_db()
    assert (before.author_name, after.author_name) == (ada.name, "王小明")
    with pytest.raises(ApiError, match="control"):
        rename(ada, "a\u202eb")


def last_read(person, room):
    return Membership.objects.get(user=person, room=room).last_read


def test_reading_creates_a_membership_and_moves_forwards_only(ada, room):
    other = create_guest()
    for _ in range(3):
        say(ada, room)
    assert not Membership.objects.exists()
    actions.mark_read({Member.of(ada, room): 3, Member.of(other, room): 0})
    assert (last_read(ada, room), last_read(other, room)) == (3, 0)
    actions.mark_read({Member.of(ada, room): 2, Member.of(other, room): 1})
    assert (last_read(ada, room), last_read(other, room)) == (3, 1)


def test_read_positions_stay_within_the_log(ada, room):
    """A tab that has not noticed a restore sends such a position."""
    say(ada, room)
    actions.mark_read({Member.of(ada, room): 65})
    assert last_read(ada, room) == 1
    say(ada, room)
    another_log = Member.of(ada, room)._replace(epoch="another")
    another_person = Member.of(ada, room)._replace(joined=timezone.now())
    actions.mark_read({another_log: 2, another_person: 2})
    assert last_read(ada, room) == 1


def test_reads_of_a_deleted_person_are_ignored(ada, room):
    gone, deleted = create_guest(), create_guest()
    reads = {Member.of(each, room): 1 for each in (gone, deleted, ada)}
    gone.delete()
    delete_account(deleted)
    actions.mark_read(reads)
    assert Membership.objects.get().user == ada
