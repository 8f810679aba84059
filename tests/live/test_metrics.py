"""Metrics of the engine: what operators see of logs, their subscribers and the channel layer."""

import time

from prometheus_client import REGISTRY

from live import Event, Log, LogRewound
from tests.live.fakes import TOPIC, Layer, Room, Subscriber, hubs, until


def value(name, **labels):
    return REGISTRY.get_sample_value(f"lobby_{name}", labels) or 0


def event(seq, changed_at=0):
    return Event(seq, b"{}", str(seq), changed_at=changed_at)


async def test_each_event_counts_once_for_each_subscriber():
    events, deliveries = value("events_total"), value("deliveries_total")
    log = Log(0)
    with Subscriber(log, 0), Subscriber(log, 0), Subscriber(log, 0, is_slow=True):
        log.append(event(1))
        log.append(event(2))
    assert value("events_total") - events == 2
    assert value("deliveries_total") - deliveries == 6


async def test_a_burst_that_is_delivered_in_batches_counts_in_full():
    deliveries, fan_outs = value("deliveries_total"), value("fan_out_delay_seconds_count")
    log = Log(0)
    with Subscriber(log, 0) as subscriber:
        for seq in range(1, 101):
            log.append(event(seq))
        await subscriber.until(100)
    assert value("deliveries_total") - deliveries == 100
    assert 1 <= value("fan_out_delay_seconds_count") - fan_outs < 100


async def test_the_delay_of_an_append_is_that_since_the_change():
    count, total = value("append_delay_seconds_count"), value("append_delay_seconds_sum")
    log = Log(0)
    log.append(event(1, time.time() - 3))
    log.append(event(2, time.time() + 3))  # by the clock of a machine that is ahead
    log.append(event(3))  # at an unknown time
    assert value("append_delay_seconds_count") - count == 2
    assert 3 <= value("append_delay_seconds_sum") - total < 4


async def test_a_fan_out_takes_from_the_append_to_its_last_subscriber():
    total = value("fan_out_delay_seconds_sum")
    log = Log(0)

    class Busy(Subscriber):
        async def on_batch(self, batch):
            time.sleep(0.01)  # noqa: ASYNC251 (it keeps the event loop busy)

    with Busy(log, 0), Busy(log, 0), Busy(log, 0) as last:
        log.append(event(1))
        await until(lambda: value("fan_out_delay_seconds_sum") > total)
    assert last.error is None
    assert value("fan_out_delay_seconds_sum") - total >= 0.03


async def test_subscribers_that_lag_count_and_those_of_a_rewound_log_do_not():
    before = value("slow_sockets_total")
    log = Log(0, length=2)
    with Subscriber(log, 0, is_slow=True) as slow:
        for seq in range(1, 6):
            log.append(event(seq))
        slow.may_go_on.set()
        await until(lambda: slow.error)
    assert value("slow_sockets_total") - before == 1
    with Subscriber(log, 5) as other:
        log.close(LogRewound())
    assert isinstance(other.error, LogRewound)
    assert value("slow_sockets_total") - before == 1


async def test_gaps_that_are_read_and_logs_that_are_open_and_rewound():
    opened, healed, rewound = (
        value("open_logs", kind="room"),
        value("healed_gaps_total"),
        value("rewound_logs_total"),
    )
    room = Room()
    room.commit()
    async with hubs(Layer()) as (hub,):
        async with hub.open(TOPIC, room, 1) as log:
            assert value("open_logs", kind="room") - opened == 1
            hub.publish(TOPIC, room.commit())
            assert value("healed_gaps_total") == healed
            room.commit()
            hub.publish(TOPIC, room.commit())
            await until(lambda: log.seq == 4)
            assert value("healed_gaps_total") - healed == 1
            room.rewind(2)
            hub._must_compare.set()
            await until(lambda: log.error)
        assert value("rewound_logs_total") - rewound == 1
        assert value("open_logs", kind="room") == opened


async def test_the_health_of_the_channel_layer_and_what_waits_for_it(probed):
    layer = Layer()
    async with hubs(layer) as (hub,):
        await until(lambda: hub.pubsub._channel)
        assert value("channel_layer_down") == 0
        layer.fate = "hang"
        await until(lambda: value("channel_layer_down") == 1)
        for n in range(3):
            hub.publish(f"room.{n}", event(1))
        assert value("queue_length", queue="pubsub") == 3
        assert value("queue_limit", queue="pubsub") == 1000
        layer.fate = "deliver"
        await until(lambda: value("channel_layer_down") == 0)
