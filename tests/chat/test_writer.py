"""Group commit: concurrent messages and changes are stored together, and fail separately."""

import asyncio
from copy import copy
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.db import DataError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from accounts.actions import create_guest
from accounts.models import User
from base.api_errors import ApiError
from base.ratelimit_keys import RateLimitKeys
from chat import actions
from chat.actions.change_batch import Change
from chat.actions.message_batch import NewMessage, group_by_room
from chat.models import Message, Room
from chat.queries import history
from chat.queries.history import ClientState
from chat.services import message_writer
from chat.services.message_writer import get_message_writer
from live import LogRewound
from tests.chat.test_unread import counted_steps
from transcripts.models import Transcript


@pytest.fixture
async def people(database):
    return [await database_sync_to_async(create_guest)() for _ in range(3)]


@pytest.fixture
async def rooms(database):
    return [await database_sync_to_async(actions.open_room)(name) for name in ("one", "other")]


async def send(*entries):
    """Return the outcomes of messages and changes that are sent at the same time."""
    sending = [get_message_writer().write(entry, RateLimitKeys("person.1", "192.0.2.1")) for entry in entries]
    return await asyncio.gather(*sending, return_exceptions=True)


def recorded_batches(monkeypatch):
    """Record the texts of each batch."""
    batches, write_all = [], actions.write_all

    def record(entries):
        batches.append([entry.text for entry in entries])
        return write_all(entries)

    monkeypatch.setattr(actions, "write_all", record)
    return batches


async def stored():
    """Return the texts of each room, in the order of its log, and check that its seqs have no gaps."""
    texts = {}
    async for message in Message.objects.select_related("room").order_by("room", "seq"):
        log = texts.setdefault(message.room.name, [])
        log.append(message.text)
        assert message.seq == message.number == len(log)
        assert message.room.last_seq >= len(log)
    return texts


async def test_each_gets_its_own_message_in_the_order_of_its_room(people, rooms):
    drafts = [NewMessage(people[n % 3], rooms[n % 2], str(n), uuid4()) for n in range(20)]
    outcomes = await send(*drafts)
    assert [(message.text, is_new) for message, is_new in outcomes] == [(str(n), True) for n in range(20)]
    expected = {room.name: [str(n) for n in range(start, 20, 2)] for start, room in enumerate(rooms)}
    assert await stored() == expected


async def test_messages_that_arrive_during_a_write_are_stored_together(people, rooms, monkeypatch):
    batches = recorded_batches(monkeypatch)
    await send(*[NewMessage(people[0], rooms[0], str(n), uuid4()) for n in range(20)])
    assert 1 <= len(batches) <= 2


@pytest.mark.usefixtures("known_site_rules")
async def test_a_batch_takes_no_more_queries_than_a_message(people, rooms):
    @database_sync_to_async
    def queries(count):
        with CaptureQueriesContext(connection) as captured:
            actions.write_all([NewMessage(people[0], rooms[0], "hi", uuid4()) for _ in range(count)])
        return len(captured)

    assert await queries(50) == await queries(1)


async def test_stored_messages_are_returned_and_the_rest_is_stored(people, rooms):
    ada, room = people[0], rooms[0]
    drafts = [NewMessage(ada, room, text, uuid4()) for text in ("a", "b", "c")]
    await send(drafts[1])
    outcomes = await send(*drafts, drafts[0], drafts[2])
    assert [is_new for _, is_new in outcomes] == [True, False, True, False, False]
    assert [message.text for message, _ in outcomes] == ["a", "b", "c", "a", "c"]
    assert await stored() == {room.name: ["b", "a", "c"]}


async def test_a_message_without_a_session_is_recognized_within_its_room(people, rooms):
    room = rooms[0]
    again = NewMessage(None, room, "again", uuid4(), has_session=False)
    (first, _), (second, is_new) = await send(again, again)
    assert (second, is_new) == (first, False)
    (third, is_new), (_, other_is_new) = await send(again, NewMessage(people[0], room, "new", uuid4()))
    assert (third, is_new, other_is_new) == (first, False, True)
    assert await stored() == {room.name: ["again", "new"]}


async def test_a_shared_client_id_takes_few_steps_of_sqlite(people, rooms):
    """Messages in many rooms may share a client_id."""
    ada, room = people[0], rooms[0]
    draft = NewMessage(ada, room, "mine", uuid4())
    ((mine, _),) = await send(draft)
    known = ClientState(ada.pk, room.key, f"{mine.number}.{mine.client_id}", str(mine.seq))
    await copy_elsewhere(mine, people[1], 400)

    @database_sync_to_async
    def steps(look):
        with counted_steps() as counted:
            look()
        return counted()

    def write_again():
        assert actions.write_all([draft, draft._replace(has_session=False)]) == [(mine, False)] * 2

    assert await steps(write_again) < 10
    assert await steps(lambda: history.load_rooms([known])) < 10
    assert await steps(lambda: history.find_stored(ada, room, [draft.client_id])) < 10


@database_sync_to_async
def copy_elsewhere(message, author, count):
    """Store messages with the client_id of a message in other rooms."""
    rooms = Room.objects.bulk_create(Room(key=f"copy {n}", name=f"copy {n}") for n in range(count))
    copied = {"number": 1, "seq": 1, "client_id": message.client_id, "author": author, "author_name": "x"}
    Message.objects.bulk_create(Message(room=room, text="copy", **copied) for room in rooms)


async def test_with_a_session_a_client_id_is_its_authors_own_and_without_one_the_rooms(people, rooms):
    (ada, bob, _), client_id = people, uuid4()
    first, of_another, in_another_room = [
        NewMessage(author, room, text, client_id, has_session=False)
        for author, room, text in ((ada, rooms[0], "a"), (bob, rooms[0], "b"), (bob, rooms[1], "c"))
    ]
    with_session = of_another._replace(text="d", has_session=True)
    assert [is_new for _, is_new in await send(first, of_another)] == [True, False]
    outcomes = await send(of_another, in_another_room, with_session, with_session, of_another)
    assert [is_new for _, is_new in outcomes] == [False, True, True, False, False]
    assert [message.text for message, _ in outcomes] == ["a", "c", "d", "d", "a"]
    outcomes = await send(with_session, first)
    assert [message.text for message, _ in outcomes] == ["d", "a"]
    assert await stored() == {rooms[0].name: ["a", "d"], rooms[1].name: ["c"]}


async def test_a_refused_message_does_not_affect_others(people, rooms, monkeypatch):
    batches = recorded_batches(monkeypatch)
    await User.objects.filter(pk=people[1].pk).aupdate(is_active=False)
    drafts = [NewMessage(person, rooms[0], text, uuid4()) for person, text in zip(people, "abc", strict=True)]
    refused = [
        *drafts,
        NewMessage(people[0], rooms[0], "x" * 5000, uuid4()),
        NewMessage(people[0], rooms[0], " ", uuid4()),
    ]
    outcomes = await send(*refused)
    codes = [outcome.code if isinstance(outcome, ApiError) else None for outcome in outcomes]
    assert codes == [None, "forbidden", None, "too_long", "bad_frame"]
    assert len(batches) <= 2  # none is stored alone
    assert await stored() == {rooms[0].name: ["a", "c"]}


async def test_a_failing_message_does_not_affect_others(people, rooms):
    unstorable = "\ud800"
    drafts = [NewMessage(people[0], rooms[0], text, uuid4()) for text in ("a", unstorable, "b")]
    (one, _), error, (other, _) = await send(*drafts)
    assert (one.text, other.text) == ("a", "b")
    assert isinstance(error, UnicodeEncodeError)
    assert await stored() == {rooms[0].name: ["a", "b"]}


async def test_a_batch_that_the_database_rejects_for_one_message_is_stored_one_by_one(
    people, rooms, monkeypatch
):
    write_all = actions.write_all

    def reject(entries):
        if any(entry.text == "b" for entry in entries):
            raise DataError
        return write_all(entries)

    monkeypatch.setattr(actions, "write_all", reject)
    drafts = [NewMessage(people[0], rooms[0], text, uuid4()) for text in "abc"]
    (one, _), error, (other, _) = await send(*drafts)
    assert (one.text, type(error), other.text) == ("a", DataError, "c")


async def test_a_batch_is_not_stored_one_by_one_while_the_database_is_away(people, rooms, monkeypatch):
    calls = []

    def fail(entries):
        calls.append(len(entries))
        raise OperationalError("the database is away")

    monkeypatch.setattr(actions, "write_all", fail)
    errors = await send(*[NewMessage(people[0], rooms[0], "hi", uuid4()) for _ in range(20)])
    assert [type(error) for error in errors] == [OperationalError] * 20
    assert len(calls) <= 2


async def test_a_room_waits_for_its_own_batch_only(people, rooms, monkeypatch):
    """With row locks, batches overlap."""
    stored, may_end = [], asyncio.Event()

    async def write_all(entries):
        stored.append([entry.text for entry in entries])
        if "first" in stored[-1]:
            await may_end.wait()
        return [(entry, True) for entry in entries]

    monkeypatch.setattr(message_writer, "locks_rows", lambda: True)
    monkeypatch.setattr(message_writer, "in_writer_thread", lambda function: write_all)
    monkeypatch.setattr(message_writer, "OVERLAP_DELAY", 0)
    one, other = rooms
    texts = ((one, "first"), (one, "second"), (other, "elsewhere"))
    first, second, elsewhere = [NewMessage(people[0], room, text, uuid4()) for room, text in texts]
    async with asyncio.timeout(10):
        sending = asyncio.create_task(send(first))
        while not stored:
            await asyncio.sleep(0)
        waiting = asyncio.create_task(send(second))
        await send(elsewhere)
        await asyncio.sleep(0.01)
        assert stored == [["first"], ["elsewhere"]]
        may_end.set()
        await asyncio.gather(sending, waiting)
    assert stored[-1] == ["second"]


def test_rooms_are_stored_in_the_order_of_their_keys():
    """Batches lock rooms in one order, so that none waits for another in a circle."""
    rooms = [Room(pk=pk) for pk in (2, 1, 3)]
    grouped = group_by_room([Message(room=room) for room in rooms])
    assert [room.pk for room, _ in grouped] == [1, 2, 3]


async def test_a_disconnect_during_a_write_does_not_affect_others(people, rooms):
    drafts = [NewMessage(people[0], rooms[0], text, uuid4()) for text in "abc"]
    sending = [
        asyncio.create_task(get_message_writer().write(draft, RateLimitKeys("person.1"))) for draft in drafts
    ]
    await asyncio.sleep(0)
    sending[1].cancel()
    assert [(await each)[0].text for each in (sending[0], sending[2])] == ["a", "c"]
    assert await stored() == {rooms[0].name: ["a", "b", "c"]}


async def test_a_batch_is_shared_fairly_among_addresses_and_people(people, rooms, monkeypatch):
    """A person who floods delays neither others of the same address nor other addresses."""
    monkeypatch.setattr(message_writer, "MAX_BATCH_SIZE", 4)
    stored_together = recorded_batches(monkeypatch)
    flood, other, elsewhere = RateLimitKeys("a", "1"), RateLimitKeys("b", "1"), RateLimitKeys("c", "2")
    coming = [(flood, f"flood {n}") for n in range(9)]
    coming += [(other, "other 0"), (elsewhere, "elsewhere 0"), (elsewhere, "elsewhere 1")]
    sending = [
        get_message_writer().write(NewMessage(people[0], rooms[0], text, uuid4()), who)
        for who, text in coming
    ]
    await asyncio.gather(*sending)
    first, *_ = stored_together
    assert sorted(first) == ["elsewhere 0", "elsewhere 1", "flood 0", "other 0"]
    of_flood = [text for batch in stored_together for text in batch if text.startswith("flood")]
    assert of_flood == [f"flood {n}" for n in range(9)]


MANY_CHOSEN = [(pk, "a" * pk) for pk in range(1, 21)]


@pytest.mark.parametrize("is_edit", [False, True])
@pytest.mark.parametrize(
    ("text", "chosen"), [("@Quiet Heron " * 50, []), ("@" + "a" * 20, MANY_CHOSEN)], ids=["typed", "chosen"]
)
async def test_a_batch_has_few_messages_full_of_mentions(
    people, rooms, sent, monkeypatch, text, chosen, is_edit
):
    """Looking up names takes ten times as long as storing a message, and others wait for the batch."""
    batches = recorded_batches(monkeypatch)
    draft, edit = NewMessage(people[0], rooms[0], text, uuid4()), change(sent[0], text)
    entry = (edit if is_edit else draft)._replace(chosen=chosen)
    flood = [entry if is_edit else entry._replace(client_id=uuid4()) for _ in range(30)]
    other = NewMessage(people[1], rooms[1], "hello @Ann", uuid4())
    address = RateLimitKeys("c", "198.51.100.1")
    await asyncio.gather(send(*flood), get_message_writer().write(other, address))
    assert max(map(len, batches)) <= 10
    assert other.text in batches[0]


async def test_a_message_of_at_signs_fits_into_a_batch(people, rooms):
    async with asyncio.timeout(10):
        ((message, is_new),) = await send(NewMessage(people[0], rooms[0], "@" * 4000, uuid4()))
    assert is_new and message.number == 1


@pytest.fixture
async def sent(people, rooms):
    """Send six messages of one person, three in each room."""
    outcomes = await send(*[NewMessage(people[0], rooms[n % 2], str(n), uuid4()) for n in range(6)])
    return [message for message, _ in outcomes]


def change(message, text):
    return Change(message.author, message.room, message.number, text)


async def log(room):
    """Return the texts of a room by their seqs."""
    rows = Message.objects.filter(room=room).order_by("seq")
    return [(row.seq, row.number, row.text) async for row in rows]


async def test_changes_are_stored_together_with_messages(people, rooms, sent, monkeypatch):
    batches = recorded_batches(monkeypatch)
    new = NewMessage(people[1], rooms[0], "new", uuid4())
    changes = [change(sent[0], "edited"), change(sent[3], None), change(sent[1], "edited too")]
    outcomes = await send(*changes, new)
    assert 1 <= len(batches) <= 2
    assert [message.text for message, _ in outcomes] == ["edited", "", "edited too", "new"]
    assert [bool(message.edited_at) for message, _ in outcomes] == [True, False, True, False]
    assert [bool(message.deleted_at) for message, _ in outcomes] == [False, True, False, False]
    first_log, others = await log(rooms[0]), await log(rooms[1])
    assert first_log[:2] == [(2, 2, "2"), (3, 3, "4")]
    assert sorted(first_log[2:]) in ([(4, 1, "edited"), (5, 5, "new")], [(4, 4, "new"), (5, 1, "edited")])
    assert others == [(3, 3, "5"), (4, 2, ""), (5, 1, "edited too")]


async def test_a_refused_change_does_not_affect_others_and_takes_no_seq(people, rooms, sent):
    foreign = change(sent[2], "mine")._replace(author=people[1])
    missing = change(sent[2], "none")._replace(number=99)
    refused = [foreign, missing, change(sent[2], "x" * 5000), change(sent[2], " ")]
    outcomes = await send(
        change(sent[0], None), *refused, change(sent[0], "again"), change(sent[4], "edited")
    )
    codes = [outcome.code if isinstance(outcome, ApiError) else None for outcome in outcomes]
    assert codes == [None, "forbidden", "not_found", "too_long", "bad_frame", "not_found", None]
    assert [(seq, text) for seq, _, text in await log(rooms[0])] == [(2, "2"), (4, ""), (5, "edited")]
    assert (await Room.objects.aget(pk=rooms[0].pk)).last_seq == 5


async def test_a_failing_change_does_not_affect_others(sent):
    (one, _), error, (other, _) = await send(
        change(sent[0], "a"), change(sent[2], "\ud800"), change(sent[4], "b")
    )
    assert (one.text, other.text) == ("a", "b")
    assert isinstance(error, UnicodeEncodeError)


@pytest.mark.parametrize("kind", ["draft", "draft without a session", "change"])
async def test_a_replaced_log_refuses_writes(people, rooms, sent, kind):
    room = copy(rooms[0])  # as an older socket has it
    await Room.objects.filter(pk=room.pk).aupdate(epoch="another")
    await Message.objects.all().adelete()
    await rooms[0].arefresh_from_db()
    stale = NewMessage(people[0], room, "stale", uuid4(), has_session=kind == "draft")
    if kind == "change":
        stale = change(sent[0], "stale")._replace(room=room)
    *written, error = await send(*[NewMessage(people[0], room, "new", uuid4()) for room in rooms], stale)
    assert isinstance(error, LogRewound)
    assert [(message.room, message.text, is_new) for message, is_new in written] == [
        (room, "new", True) for room in rooms
    ]
    assert not await Message.objects.filter(text="stale").aexists()


async def test_several_changes_of_a_message_store_the_last(rooms, sent):
    outcomes = await send(change(sent[0], "first"), change(sent[0], "second"), change(sent[0], "third"))
    assert {message.number for message, _ in outcomes} == {1}
    (*_, (last, number, text)) = await log(rooms[0])
    assert (number, text) == (1, "third")
    assert last == (await Room.objects.aget(pk=rooms[0].pk)).last_seq


async def test_only_one_of_concurrent_edits_is_stored(sent):
    edit = change(sent[0], "one")._replace(seq=sent[0].seq)
    (one, _), refused = await send(edit, edit._replace(text="other"))
    assert (one.text, refused.code) == ("one", "conflict")
    assert (await Message.objects.aget(pk=one.pk)).text == "one"


@pytest.mark.usefixtures("known_site_rules")
async def test_changes_of_many_messages_take_no_more_queries_than_one(people, rooms):
    @database_sync_to_async
    def queries(count):
        drafts = [NewMessage(people[0], rooms[0], "@hi", uuid4()) for _ in range(count)]
        changes = [change(message, "@ho") for message, _ in actions.write_all(drafts)]
        changes[1::2] = [each._replace(text=None) for each in changes[1::2]]
        with CaptureQueriesContext(connection) as captured:
            actions.write_all(changes)
        return len(captured)

    assert await queries(50) == await queries(2)


async def test_a_batch_marks_only_transcripts_with_changed_messages(people, rooms, sent):
    def export(owner, room, last):
        of_room = {"room": room, "room_name": room.name, "up_to_number": last, "total": last}
        return Transcript(owner=owner, attempt=1, **of_room)

    edited = await Transcript.objects.abulk_create(
        [export(people[0], rooms[0], 3), export(people[1], rooms[0], 1), export(people[2], rooms[1], 3)]
    )
    await send(change(sent[2], "edited"), change(sent[4], None), change(sent[1], "edited"))
    marks = [(await Transcript.objects.aget(pk=each.pk)).outdated for each in edited]
    assert marks == ["deleted", "", "edited"]
