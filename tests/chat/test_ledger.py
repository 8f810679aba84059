"""Ledger of the soak test: it finds messages that are lost, doubled or out of order."""

import itertools

import pytest

from chat.soak.ledger import Latencies, Ledger, TabRecord


def accounts(count=2):
    return [TabRecord("soak-0", n, "http://127.0.0.1", "room", 1) for n in range(1, count + 1)]


def message(number, speaker, serial):
    text = f"soak-0 {speaker} {serial} 0.0"
    return {"number": number, "seq": number, "client_id": f"{speaker}.{serial}", "message": text}


def acknowledge(account, count):
    """Add messages that a tab has sent and that are stored."""
    for _ in range(count):
        account.send()
    account.client.unsent.clear()


def rows(heard, speakers=1, messages=3):
    """Return the ledger's row of a tab that received just these, beside a tab that received all."""
    one, other = accounts()
    for speaker in (one, other)[:speakers]:
        acknowledge(speaker, messages)
    everything = itertools.product(range(1, messages + 1), range(1, speakers + 1))
    for number, (serial, speaker) in enumerate(everything, 1):
        one.on_message(message(number, speaker, serial))
    for each in heard:
        other.on_message(message(*each))
    return list(Ledger([one, other]).rows)


def test_a_tab_with_all_messages_in_order_is_clean():
    one, other = rows([(1, 1, 1), (2, 1, 2), (3, 1, 3)])
    assert one.is_clean and other.is_clean
    assert other.received == 3


def test_a_repeated_number_is_not_doubled():
    _, other = rows([(1, 1, 1), (2, 1, 2), (1, 1, 1), (3, 1, 3), (3, 1, 3)])
    assert other.is_clean


def test_messages_of_others_are_ignored():
    (account,) = accounts(1)
    account.on_message({"number": 7, "message": "hello", "seq": 7, "client_id": ""})
    account.on_message({"number": 8, "message": "soak-1 1 1 0.0", "seq": 8, "client_id": ""})
    assert account.received == 0


@pytest.mark.parametrize("heard", [[(1, 1, 1), (2, 1, 2)], [(1, 1, 1), (3, 1, 3)], [(2, 1, 2), (3, 1, 3)]])
def test_one_lost(heard):
    one, other = rows(heard)
    assert one.is_clean and not other.is_clean
    assert (other.lost, other.doubled, other.out_of_order) == (1, 0, 0)


def test_stored_twice():
    _, other = rows([(1, 1, 1), (2, 1, 2), (3, 1, 2), (4, 1, 3)])
    assert (other.lost, other.doubled, other.out_of_order) == (0, 1, 0)


@pytest.mark.parametrize(
    "heard",
    [
        [(2, 1, 2), (1, 1, 1), (3, 1, 3)],  # shown late
        [(1, 1, 2), (2, 1, 1), (3, 1, 3)],  # stored late
    ],
)
def test_out_of_order(heard):
    _, other = rows(heard)
    assert (other.lost, other.doubled, other.out_of_order) == (0, 0, 1)


def test_a_message_edited_during_a_disconnect_is_not_late():
    one, other = accounts()
    acknowledge(one, 3)
    for number in (1, 2, 3):
        one.on_message(message(number, 1, number))
    one.on_message(message(1, 1, 1) | {"seq": 4})
    for heard in (message(2, 1, 2), message(3, 1, 3), message(1, 1, 1) | {"seq": 4}):
        other.on_message(heard)
    assert all(row.is_clean for row in Ledger([one, other]).rows)


def test_two_tabs_that_disagree():
    swapped = [(1, 2, 1), (2, 1, 1)]
    assert [row.out_of_order for row in rows(swapped, speakers=2, messages=1)] in ([0, 1], [1, 0])


def test_unacknowledged_messages_are_not_clean():
    (account,) = accounts(1)
    account.send()
    (row,) = Ledger([account]).rows
    assert (row.sent, row.acknowledged, row.lost, row.is_clean) == (1, 0, 0, False)


def test_another_epoch_starts_over():
    (account,) = accounts(1)
    acknowledge(account, 1)
    account.on_message(message(5, 1, 1))
    account.on_reset()
    account.on_message(message(1, 1, 1))
    (row,) = Ledger([account]).rows
    assert row.is_clean and row.received == 1


def test_percentiles_are_within_a_step():
    latencies = Latencies()
    for milliseconds in range(1, 101):
        latencies.add(milliseconds / 1000)
    assert latencies.percentile(50) == pytest.approx(0.050, rel=0.05)
    assert latencies.percentile(99) == pytest.approx(0.099, rel=0.05)
    assert Latencies().percentile(99) == 0
