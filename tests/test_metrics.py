"""Metrics of several processes together, and what the limits report."""

import re
from contextlib import suppress
from datetime import timedelta
from inspect import signature
from threading import Thread

import pytest
import yaml
from django.conf import settings
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from uvicorn import Config

from base import ratelimit
from base.api_errors import ApiError
from base.ratelimit_keys import RateLimitKeys
from connections.admission import Full, Places
from server import metrics
from server.metrics import PROCESSES, Reports, add_up
from server.processes import REMINDER_INTERVAL, task_worker
from server.supervisor import WebWorker, Workers
from tasks.jobs import LEASE
from tasks.metrics import count_tasks
from tasks.models import Job


def report(count, gauge=0):
    """Return what a worker reports."""
    registry = CollectorRegistry()
    Counter("lobby_t", "", ["kind"], registry=registry).labels("a").inc(count)
    Gauge("lobby_g", "", registry=registry).set(gauge)
    Histogram("lobby_h", "", buckets=(1, 2), registry=registry).observe(count)
    return [*registry.collect()]


def values(families):
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def test_samples_with_the_same_name_and_labels_are_added_up():
    assert values(add_up([report(1, 5), report(2, 7)])) == {
        ("lobby_t_total", "a"): 3,
        ("lobby_g",): 12,
        ("lobby_h_bucket", "1.0"): 1,
        ("lobby_h_bucket", "2.0"): 2,
        ("lobby_h_bucket", "+Inf"): 2,
        ("lobby_h_count",): 2,
        ("lobby_h_sum",): 3,
    }


@pytest.fixture
def reports(settings, monkeypatch):
    settings.METRICS_PORT = 1
    monkeypatch.setattr(metrics, "make_report", list)  # nothing of this process
    return Reports()


def answer(pipe, *answers):
    """Answer as a worker does, in a thread."""

    def run():
        for each in answers:
            pipe.recv()
            pipe.send(each)

    Thread(target=run, daemon=True).start()


def test_an_ended_worker_leaves_its_counts_and_no_gauges(reports):
    for _ in range(2):
        with reports.pipe() as pipe:
            answer(pipe, report(1, gauge=5))
            assert values(reports.collect())["lobby_g",] == 5
    found = values(reports.collect())
    assert found["lobby_t_total", "a"] == 2
    assert found["lobby_h_bucket", "1.0"] == 2
    assert ("lobby_g",) not in found
    assert not reports._latest and not reports._asked


def test_a_silent_worker_counts_with_its_last_report_and_is_asked_once(reports, monkeypatch):
    monkeypatch.setattr(metrics, "ANSWER_TIMEOUT", 0.01)
    with reports.pipe() as pipe:
        answer(pipe, report(1))
        assert values(reports.collect())["lobby_t_total", "a"] == 1
        for _ in range(3):
            assert values(reports.collect())["lobby_t_total", "a"] == 1
        pipe.recv()
        assert not pipe.poll()
        pipe.send(report(4))  # late, as it was asked for before
        assert values(reports.collect())["lobby_t_total", "a"] == 4


def test_after_a_late_answer_a_worker_is_asked_again(reports, monkeypatch):
    with reports.pipe() as pipe:
        monkeypatch.setattr(metrics, "ANSWER_TIMEOUT", 0)
        reports.collect()
        pipe.recv()
        pipe.send(report(1))
        answer(pipe, report(2))
        monkeypatch.setattr(metrics, "ANSWER_TIMEOUT", 10)
        assert values(reports.collect())["lobby_t_total", "a"] == 2


@pytest.mark.parametrize(("sockets", "expected"), [([object()], 0), ([], None)])
def test_a_supervisor_of_web_workers_counts_them_also_when_there_are_none(monkeypatch, sockets, expected):
    monkeypatch.setattr("uvicorn.supervisors.multiprocess.signal.signal", lambda *args: None)
    PROCESSES.clear()
    Workers(Config("nothing"), sockets, task_workers=0)
    assert REGISTRY.get_sample_value("lobby_processes", {"kind": "web"}) == expected


def test_workers_of_a_supervisor_with_earlier_code_have_no_metrics(monkeypatch):
    started = []
    monkeypatch.setattr("uvicorn.supervisors.multiprocess.Process.target", lambda *args: started.append(args))
    worker = WebWorker.__new__(WebWorker)  # its attributes are those of the other process
    worker.target([])
    assert started == [(worker, [])]
    signature(task_worker).bind()


def test_there_are_no_pipes_without_metrics(settings):
    settings.METRICS_PORT = 0
    with Reports().pipe() as pipe:
        assert pipe is None


def test_tasks_are_counted_by_kind_and_state(db):
    due, _, later = (Job.objects.create(name=name) for name in ("due", "other", "later"))
    due.claim(Job.objects.all(), LEASE)
    Job.objects.filter(pk=later.pk).update(due_at=later.due_at + timedelta(days=1))
    count_tasks()
    for state in ("waiting", "working"):
        assert REGISTRY.get_sample_value("lobby_tasks", {"task": "job", "state": state}) == 1


def refusals(limit, action):
    return REGISTRY.get_sample_value("lobby_refusals_total", {"limit": limit, "action": action}) or 0


def test_alerts_give_jobs_the_time_until_the_next_reminder():
    (group,) = yaml.safe_load((settings.BASE_DIR / "deploy/prometheus/alerts.yaml").read_text())["groups"]
    patience = {
        match[1]: int(rule["for"].removesuffix("m"))
        for rule in group["rules"]
        if (match := re.search('state="waiting",(task.*)}', rule["expr"]))
    }
    assert set(patience) == {'task="job"', 'task!="job"'}
    assert patience['task="job"'] * 60 > REMINDER_INTERVAL


async def test_rate_limits_count_what_they_refuse():
    limit = ratelimit.per_hour("counted", "", 2)
    before = refusals("rate", "counted")
    for _ in range(5):
        with suppress(ApiError):
            await limit.hit(RateLimitKeys("person.counted"))
    await limit.close()
    assert refusals("rate", "counted") - before == 3


async def test_a_question_of_a_rate_limit_is_measured_once():
    def asked():
        return REGISTRY.get_sample_value("lobby_redis_seconds_count", {"purpose": "rate limits"}) or 0

    limit = ratelimit.per_hour("measured", "", 2)
    before = asked()
    await limit.hit(RateLimitKeys("person.measured"))
    await limit.close()
    assert asked() - before == 1


@pytest.mark.parametrize(("rate", "limit"), [(100, 5), (1, 4)])  # what is served in `WAIT`, at most
async def test_admission_counts_what_it_refuses_and_what_waits(rate, limit):
    places = Places(1, 1, rate, most_waiting=5, patience=0.01, name="counted")
    before = refusals("admission", "counted")
    held = await places.take("192.0.2.1")
    with pytest.raises(Full):
        await places.take("192.0.2.2")
    assert refusals("admission", "counted") - before == 1
    held.release()
    assert REGISTRY.get_sample_value("lobby_queue_length", {"queue": "counted"}) == 0
    assert REGISTRY.get_sample_value("lobby_queue_limit", {"queue": "counted"}) == limit
