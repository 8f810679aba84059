"""Deletion of the messages of deleted accounts whose people asked for it: a job."""

from datetime import timedelta

from django.db.models import Q

from accounts.actions import ERASE_MESSAGES
from accounts.models import User
from chat import permissions
from chat.actions.messages import erase
from tasks.jobs import CHUNK, PeriodicJob


def erase_messages() -> int:
    """Delete some messages of a deleted account. Return how many rows of messages or people changed."""
    person = User.objects.filter(erases_messages=True).first()
    if person is None:
        return 0
    authors = User.objects.filter(Q(pk=person.pk) | Q(heir=person))
    left = permissions.all_messages().filter(author__in=authors, event=None, deleted_at=None)
    if some := list(left.order_by("author", "room", "number").values_list("pk", flat=True)[:CHUNK]):
        return erase(some) or 1  # their authors are gone: nobody else deletes many of them
    return User.objects.filter(pk=person.pk).update(erases_messages=False)


# Workers are reminded every hour. The interval is a little shorter, so that no reminder is too early.
JOB = PeriodicJob(ERASE_MESSAGES, timedelta(minutes=55), {"messages of deleted accounts": erase_messages})
