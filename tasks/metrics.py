"""Metrics of background tasks."""

from django.utils import timezone
from prometheus_client import Gauge

from tasks.leases import Leased, without_worker

TASKS = Gauge("lobby_tasks", "Unfinished tasks in the database, by kind and state.", ["task", "state"])


def count_tasks() -> None:
    """Count the tasks with and without a worker. Raise a database error."""
    for model in Leased.__subclasses__():
        rows = model.unfinished()
        counts = {
            "waiting": without_worker(rows).count(),
            "working": rows.filter(leased_until__gt=timezone.now()).count(),
        }
        for state, count in counts.items():
            TASKS.labels(model._meta.model_name, state).set(count)
