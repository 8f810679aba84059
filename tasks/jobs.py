"""Periodic jobs: each runs in one task worker at a time, in small steps.

An app registers its jobs when it starts (`AppConfig.ready`). A step does a bounded piece of work in a
transaction of its own, so that nothing waits long for the database, and returns how much it did.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from channels.db import database_sync_to_async
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

import live
from base.database import DATABASE_ERRORS
from tasks.leases import LeaseLost, lease_end
from tasks.models import Job

logger = logging.getLogger(__name__)

# How many rows a step handles.
CHUNK = 100

# How long a worker keeps a job without finishing a step; then another worker may continue it.
LEASE = timedelta(minutes=1)

# The message that makes task workers run the jobs that are due.
RUN_JOBS = live.LayerMessage("purge", {"type": "jobs.run"}, is_task=True)


class PeriodicJob(NamedTuple):
    """Job of steps that run at an interval, each until it returns 0."""

    name: str
    interval: timedelta
    steps: dict[str, Callable[[], int]]


JOBS: list[PeriodicJob] = []


def register(job: PeriodicJob) -> None:
    """Register a job. Jobs of higher apps, which start later, run first: their rows protect people."""
    JOBS.insert(0, job)


def make_due(name: str) -> None:
    """Let a job run when the workers are reminded next, and not only after its interval."""
    Job.objects.filter(name=name).update(due_at=timezone.now())


def run_soon(name: str) -> None:
    """Let a task worker run a job as soon as the transaction is committed."""
    make_due(name)
    transaction.on_commit(lambda: live.send_in_background(RUN_JOBS))


async def run_due() -> None:
    """Run the jobs that are due and free. Log errors, and leave the job to a later run."""
    for job in JOBS:
        try:
            if row := await database_sync_to_async(_claim_due)(job):
                await _run(job, row)
        except (LeaseLost, *DATABASE_ERRORS, OSError) as error:
            logger.warning("jobs: %s postponed: %s", job.name, live.error_summary(error))
        except Exception:
            logger.exception("jobs: %s failed", job.name)


async def run_all() -> dict[str, int]:
    """Run all jobs now. Return how much each step did."""
    done: dict[str, int] = {}
    for job in JOBS:
        done |= await _run(job, await database_sync_to_async(_take_over)(job))
    return done


async def _run(job: PeriodicJob, row: Job) -> dict[str, int]:
    live.get_hub()  # created here, so that threads do not wait for Redis to publish
    done = dict.fromkeys(job.steps, 0)
    for name, step in job.steps.items():
        while count := await database_sync_to_async(step)():
            done[name] += count
            await database_sync_to_async(row.renew)(Job.objects.all(), LEASE)
    await database_sync_to_async(_finish)(job, row)
    return done


def delete_rows(rows: QuerySet) -> int:
    """Delete rows. Return how many of them were of the queryset's own model."""
    return rows.delete()[1].get(rows.model._meta.label, 0)


def _claim_due(job: PeriodicJob) -> Job | None:
    """Claim a job. Return its row; None if the job is not due, or another worker has it."""
    row, _ = Job.objects.get_or_create(name=job.name)
    return row if row.claim(Job.objects.filter(due_at__lte=timezone.now()), LEASE) else None


def _take_over(job: PeriodicJob) -> Job:
    """Claim a job, due or not, and return its row. A worker that runs it stops after its step."""
    row, _ = Job.objects.get_or_create(name=job.name)
    row.change(Job.objects.all(), attempt=row.attempt + 1, leased_until=lease_end(LEASE))
    return row


def _finish(job: PeriodicJob, row: Job) -> None:
    """End a run. It stays due if it was made due meanwhile."""
    unchanged = Job.objects.filter(name=job.name, attempt=row.attempt, due_at=row.due_at)
    unchanged.update(due_at=timezone.now() + job.interval)
    row.change(Job.objects.all(), leased_until=None)
