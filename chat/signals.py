"""Who is signed in, and who may come: whatever changes it, the sockets of all processes are told."""

from functools import partial
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils import timezone

import live
from chat.models import User
from chat.protocol import Present, encode

# The topic on which it is said that somebody's standing has changed.
PEOPLE = "people"

# The topic on which it is said who is called otherwise, as `Present`.
RENAMED = "renamed"


@receiver(post_save, sender=User)
def user_saved(instance: User, created: bool, update_fields: frozenset[str] | None, **kwargs: Any) -> None:
    if created:
        return
    if update_fields is None or update_fields & {"is_active", "password"}:
        _tell()
    if update_fields is None or update_fields & {"name", "is_guest"}:
        person = Present(instance.pk, instance.name, instance.is_guest)
        transaction.on_commit(partial(live.publish, RENAMED, live.Event(None, encode(person))))


@receiver(post_delete, sender=User)
def user_deleted(**kwargs: Any) -> None:
    _tell()


@receiver(post_delete, sender=Session)
def session_deleted(instance: Session, **kwargs: Any) -> None:
    if instance.expire_date > timezone.now():  # or it was swept up, long after it had ended
        _tell()


def _tell() -> None:
    transaction.on_commit(partial(live.publish, PEOPLE, live.Event(None, "{}")))
