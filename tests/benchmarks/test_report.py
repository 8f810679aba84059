"""What `bin/bench` makes of its measurements."""

import pytest

from benchmarks import report, targets
from benchmarks.results import Connecting, Delivering, Opening, Results, figure


def delivering(server, tabs, *costs, breaks="", in_flight=1):
    return [
        Delivering(n, server, tabs, in_flight, cpu_us=cost, breaks=breaks) for n, cost in enumerate(costs)
    ]


def verdicts(results):
    return {target.what: target.verdict for target in targets.fanout(Results(results))}


def test_a_figure_is_the_median_of_the_rounds():
    assert figure(delivering("lobby", 200, 10, 500, 12), "cpu_us") == 12


def test_a_round_that_broke_does_not_count_but_most_of_them_do():
    whole, broken = delivering("lobby", 200, 10, 12), delivering("lobby", 200, 0, 0, 0, breaks="time out")
    assert figure([*whole, *broken[:1]], "cpu_us") == 11
    assert figure([*whole, *broken], "cpu_us") is None
    assert report.cell(broken, "cpu_us") == "breaks"


def test_targets_are_ratios_of_the_same_run():
    results = [
        *delivering("lobby", 200, 10),
        *delivering("tutorial", 200, 80),
        *delivering("lobby", 800, 10),
        *delivering("tutorial", 800, 149),
    ]
    found = verdicts(results)
    assert found["CPU per delivery, 200 tabs: tutorial / Lobby"] == "met"
    assert found["CPU per delivery, 800 tabs: tutorial / Lobby"] == "not met"
    assert found["CPU per delivery, 800 tabs: Lobby / socket.io"] == "not measured"


@pytest.mark.parametrize(("kib", "verdict"), [(40, "met"), (40.5, "not met")])
def test_memory_is_looked_at_where_there_are_800_tabs(kib, verdict):
    results = [Connecting(1, "lobby", 200, memory_kib=90), Connecting(1, "lobby", 800, memory_kib=kib)]
    assert verdicts(results)["Lobby: KiB per idle connection"] == verdict


def test_opening_is_the_page_and_the_socket():
    results = Results([Opening(1, 10_000, 4, 6, 1, 1, 1), Opening(1, 1_000_000, 5, 8, 1, 1, 1)])
    (target,) = targets.history(results)
    assert (target.measured, target.verdict) == (1.3, "not met")


def test_the_table_shows_what_breaks_and_what_was_not_measured():
    results = Results([*delivering("lobby", 200, 12.345), *delivering("tutorial", 200, 0, breaks="closed")])
    table = report.fanout(results, ["lobby", "tutorial", "bare"], [200], [1])
    assert "| CPU per delivered message (µs) | Lobby | tutorial | bare ASGI |" in table
    assert "| 200 tabs, 1 in flight | 12.3 | breaks | - |" in table
