"""Reports of `bin/bench`: medians, targets and tables."""

import pytest

from benchmarks import report, targets
from benchmarks.errors import CannotMeasure
from benchmarks.results import (
    ConnectionResult,
    FanoutResult,
    HistoryResult,
    ListsResult,
    PageResult,
    Results,
    figure,
)
from benchmarks.servers import checked_out


def fanout_results(server, tabs, *costs, failure="", in_flight=1):
    return [
        FanoutResult(n, server, tabs, in_flight, cpu_us=cost, failure=failure) for n, cost in enumerate(costs)
    ]


def verdicts(results):
    return {target.name: target.verdict for target in targets.fanout(Results(results))}


def test_a_figure_is_the_median_of_the_rounds():
    assert figure(fanout_results("lobby", 200, 10, 500, 12), "cpu_us") == 12


def test_failed_rounds_do_not_count_unless_most_rounds_failed():
    complete, failed = (
        fanout_results("lobby", 200, 10, 12),
        fanout_results("lobby", 200, 0, 0, 0, failure="time out"),
    )
    assert figure([*complete, *failed[:1]], "cpu_us") == 11
    assert figure([*complete, *failed], "cpu_us") is None
    assert report.cell(failed, "cpu_us") == "breaks"


def test_targets_are_ratios_of_the_same_run():
    results = [
        *fanout_results("lobby", 200, 10),
        *fanout_results("tutorial", 200, 80),
        *fanout_results("lobby", 800, 10),
        *fanout_results("tutorial", 800, 149),
    ]
    found = verdicts(results)
    assert found["CPU per delivery, 200 tabs: tutorial / Lobby"] == "met"
    assert found["CPU per delivery, 800 tabs: tutorial / Lobby"] == "not met"
    assert found["CPU per delivery, 800 tabs: Lobby / socket.io"] == "not measured"


@pytest.mark.parametrize(("kib", "verdict"), [(40, "met"), (40.5, "not met")])
def test_the_memory_target_uses_the_room_with_800_tabs(kib, verdict):
    results = [
        ConnectionResult(1, "lobby", 200, memory_kib=90),
        ConnectionResult(1, "lobby", 800, memory_kib=kib),
    ]
    assert verdicts(results)["Lobby: KiB per idle connection"] == verdict


def test_the_time_to_open_a_room_is_that_of_the_page_and_the_socket():
    results = Results([HistoryResult(1, 10_000, 4, 6, 1, 1, 1), HistoryResult(1, 1_000_000, 5, 8, 1, 1, 1)])
    (target,) = targets.history(results)
    assert (target.measured, target.verdict) == (1.3, "not met")


def test_the_table_shows_failures_and_missing_measurements():
    results = Results(
        [*fanout_results("lobby", 200, 12.345), *fanout_results("tutorial", 200, 0, failure="closed")]
    )
    table = report.fanout(results, ["lobby", "tutorial", "bare"], [200], [1])
    assert "| CPU per delivered message (µs) | Lobby | tutorial | bare ASGI |" in table
    assert "| 200 tabs, 1 in flight | 12.3 | breaks | - |" in table


def test_pages_are_compared_with_an_earlier_version():
    results = Results([PageResult(1, "Lobby", index_ms=50), PageResult(1, "abc123", index_ms=200)])
    assert "| the index with 100 rooms: ms until it is drawn | 50 | 200 |" in report.page(
        results, ["Lobby", "abc123"]
    )
    (target,) = [each for each in targets.page(results, "Lobby") if "index" in each.name]
    assert (target.limit, target.verdict) == (60, "met")


def test_lists_have_a_target_in_each_database():
    results = Results(ListsResult(n, "SQLite", "index", 10, ms) for n, ms in enumerate((14, 16, 17)))
    (sqlite, postgresql, *_) = targets.lists(results, ["SQLite", "PostgreSQL"])
    assert (sqlite.measured, sqlite.verdict, postgresql.verdict) == (16, "not met", "not measured")
    assert "| index | 10 / 16 | - |" in report.lists(results, ["SQLite", "PostgreSQL"], ["index"])


def test_a_missing_revision_cannot_be_measured():
    with pytest.raises(CannotMeasure, match="no-such-revision"), checked_out("no-such-revision"):
        pass
