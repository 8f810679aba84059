"""Metrics of a running server: over all its processes, for this machine only, and of nobody in particular."""

import os
import re
import signal
import urllib.request
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

from tests.servers.processes import START_PATIENCE, Server, all_of, fetch, free_port, wait_until
from tests.servers.tab import TIMEOUT, tabs
from tests.servers.visitor import Visitor

DEPLOY = Path(settings.BASE_DIR) / "deploy"


@pytest.fixture(scope="module")
def measured():
    """Start a server with all kinds of processes, and metrics."""
    environment = {"WORKERS": "2", "TASK_WORKERS": "1", "METRICS_PORT": str(free_port())}
    with Server(environment=environment) as server:
        yield server


def scrape(server):
    """Return the metrics as text."""
    url = f"http://127.0.0.1:{server.environment['METRICS_PORT']}/metrics"
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
        return answer.read().decode()


def value(server, name, **labels):
    """Return the sum of the samples of this name with these labels; None if there are none."""
    samples = [each for family in text_string_to_metric_families(scrape(server)) for each in family.samples]
    found = [each for each in samples if each.name == name and labels.items() <= each.labels.items()]
    return sum(each.value for each in found) if found else None


def until(server, expected, name, **labels):
    """Wait for a value: a worker that is busy during a scrape counts with its last report."""
    found = []

    def is_expected():
        found.append(value(server, name, **labels))
        return found[-1] == expected

    wait_until(is_expected, START_PATIENCE, lambda: f"{name} {labels} is {found[-1]}, not {expected}")


@contextmanager
def frozen(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_all_processes_are_counted_together(measured):
    before = value(measured, "lobby_deliveries_total")
    async with AsyncExitStack() as stack:
        opened, serving = [], set()
        while len(opened) < 2 or serving != set(measured.workers()):
            opened += await stack.enter_async_context(tabs("counted", measured))
            serving.add(measured.serving(opened[-1].socket.local_address[1]))
        until(measured, len(opened), "lobby_sockets", consumer="ChatConsumer")
        until(measured, 2, "lobby_open_logs", kind="room")  # one in each web worker
        await opened[0].say("hello")
        for tab in opened:
            await tab.until_texts("hello")
        wait_until(lambda: value(measured, "lobby_deliveries_total") - before >= len(opened), TIMEOUT)
        wait_until(lambda: value(measured, "lobby_append_delay_seconds_count") >= 2, TIMEOUT)
        wait_until(lambda: value(measured, "lobby_fan_out_delay_seconds_count") >= 2, TIMEOUT)
    until(measured, 2, "lobby_processes", kind="web")
    until(measured, 1, "lobby_processes", kind="task")
    until(measured, 0, "lobby_tasks")
    for call in ("connect", "statement", "commit"):
        assert value(measured, "lobby_database_seconds_count", call=call) > 0
    for purpose in ("layer", "presence"):
        assert value(measured, "lobby_redis_seconds_count", purpose=purpose) > 0


async def test_closed_sockets_are_counted_by_the_code_of_the_side_that_closed(measured):
    def closes(code):
        return value(measured, "lobby_socket_closes_total", code=code) or 0

    before = {code: closes(code) for code in ("1001", "4404", "other")}
    address = f"ws://127.0.0.1:{measured.port}"
    for code in (1001, 4321):  # any client may send any code
        async with connect(f"{address}/ws/chat/closes/", proxy=None) as socket:
            await socket.close(code)
    async with connect(f"{address}/ws/nothing/", proxy=None) as socket:
        await socket.wait_closed()
    wait_until(lambda: all(closes(code) == count + 1 for code, count in before.items()), TIMEOUT)
    assert closes("4321") == 0


def test_pages_are_measured_by_view_and_an_unknown_one_has_no_name_of_its_own(measured):
    def pages(view):
        return value(measured, "lobby_page_seconds_count", view=view) or 0

    before = pages("room")
    fetch(measured, "/chat/measured/")
    fetch(measured, "/invented-by-a-stranger/x/y")
    until(measured, before + 1, "lobby_page_seconds_count", view="room")
    wait_until(lambda: pages("none") >= 1, TIMEOUT)
    assert value(measured, "lobby_responses_total", status="4xx") >= 1
    assert "invented" not in scrape(measured)


async def test_counts_of_workers_that_were_killed_are_kept(measured):
    async with tabs("killed", *[measured] * 4) as opened:
        await opened[0].say("hello")
        for tab in opened:
            await tab.until_texts("hello")
        before = value(measured, "lobby_events_total")
        killed = measured.workers()
        measured.kill_workers()
    wait_until(lambda: not set(killed) & set(measured.spawned()), START_PATIENCE)
    until(measured, 2, "lobby_processes", kind="web")
    assert value(measured, "lobby_events_total") >= before > 0
    async with tabs("killed", measured):
        until(measured, 1, "lobby_sockets", consumer="ChatConsumer")  # those of killed workers are gone
    assert value(measured, "lobby_failed_workers_total") >= 2


def test_a_worker_that_does_not_answer_counts_with_its_last_report(measured):
    (task_worker,) = set(measured.task_workers()) - set(measured.workers())
    scrape(measured)
    until(measured, 3, "lobby_processes")
    with frozen(task_worker):
        assert value(measured, "lobby_processes") == 3


async def test_they_name_no_room_no_person_and_no_address(measured):
    visitor = Visitor(measured)
    visitor.post("/me/name/", name="Careful Otter")
    page = visitor.post("/rooms/private/", title="Secret plan")
    room = re.search("/chat/([^/]+)/", page.url)[1]
    assert "Careful Otter" in page.read().decode()
    async with tabs(room, *[measured] * 2, headers=visitor.cookies) as opened:
        await opened[0].say("marmalade")
        for tab in opened:
            await tab.until_texts("marmalade")
        text = scrape(measured)
    for private in [room, "Secret", "Careful", "Otter", "marmalade", "127.0.0.1"]:
        assert private not in text
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    assert {label for each in samples for label in each.labels} <= LABELS


LABELS = {
    *("action", "call", "code", "consumer", "kind", "le", "limit"),
    *("purpose", "queue", "state", "status", "task", "view"),
}


def listening(pids):
    """Return the addresses on which processes accept connections."""
    sockets = [each for pid in pids for each in psutil.Process(pid).net_connections("tcp")]
    return {tuple(each.laddr) for each in sockets if each.status == psutil.CONN_LISTEN}


def test_only_this_machine_reaches_them_at_a_port_of_their_own(measured):
    port = int(measured.environment["METRICS_PORT"])
    ours = [measured.process.pid, *measured.spawned()]
    assert listening(ours) == {("127.0.0.1", measured.port), ("127.0.0.1", port)}
    assert fetch(measured, "/metrics")[0] == 404


def test_without_the_setting_there_are_none(lobby):
    assert listening(set(all_of(lobby))) == {("127.0.0.1", lobby.port)}
    assert fetch(lobby, "/metrics")[0] == 404


@pytest.mark.parametrize("path", ["grafana/lobby.json", "prometheus/alerts.yaml"])
def test_dashboard_and_alerts_use_metrics_and_labels_that_exist(measured, path):
    families = [*text_string_to_metric_families(scrape(measured))]
    names = {f"{each.name}{suffix}" for each in families for suffix in SUFFIXES[each.type]}
    used = re.findall(r"\b((?:lobby|process)_\w+)", (DEPLOY / path).read_text())
    assert len(set(used)) > 10
    assert set(used) - names == set()
    labels = re.findall(r"\b(?:by|without) \(([\w, ]+)\)|\{(\w+)=", (DEPLOY / path).read_text())
    assert {label for each in labels for label in "".join(each).split(", ")} <= LABELS | {"instance", "job"}


SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
