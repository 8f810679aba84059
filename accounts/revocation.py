"""Revocation: publishes sign-outs, changed passwords, deletions and ended memberships to all processes.

`connections/open_sockets.py` closes the sockets.
"""

from collections.abc import Collection
from functools import partial
from typing import Any

import msgspec
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils import timezone

import live
from accounts.models import User
from base import security_log
from base.database import may_change

# Topic of revoked sessions, people and memberships: processes check all their sockets.
REVOCATIONS = "people"


class Revoked(msgspec.Struct):
    """What was revoked: memberships as pairs of a person and a private room's key. Nothing else is named."""

    memberships: Collection[tuple[int, str]] = ()


# Topic of changed names and roles: a person's id and name, and whether they are a guest and staff.
RENAMED = "renamed"


@receiver(post_save, sender=User)
def on_user_saved(instance: User, created: bool, update_fields: frozenset[str] | None, **kwargs: Any) -> None:
    if created:
        return
    if may_change(update_fields, "is_active", "password"):
        publish_revocation()
    if may_change(update_fields, "name", "is_guest", "is_staff"):
        person = {"id": instance.pk, "name": instance.name, "guest": instance.is_guest}
        body = msgspec.json.encode(person | {"staff": instance.is_staff})
        transaction.on_commit(partial(live.publish, RENAMED, live.Event(None, body)))


@receiver(post_delete, sender=User)
def on_user_deleted(**kwargs: Any) -> None:
    publish_revocation()


@receiver(post_delete, sender=Session)
def on_session_deleted(instance: Session, **kwargs: Any) -> None:
    if instance.expire_date > timezone.now():  # otherwise it was purged long after its end
        publish_revocation()


@receiver(user_logged_in)
def record_sign_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    if not user.is_guest:
        event = "staff_signed_in" if user.is_staff else "signed_in"
        security_log.log_event(event, user.pk, security_log.request_address(request))


@receiver(user_login_failed)
def record_failed_sign_in(
    credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Log only the account's id: the input may be a password in the wrong field."""
    person = User.objects.filter(username=credentials.get("username")).values_list("pk", flat=True).first()
    security_log.log_refusal("sign_in_failed", person, security_log.request_address(request))


@receiver(user_logged_out)
def invalidate_forms(request: HttpRequest, **kwargs: Any) -> None:
    """Invalidate the forms of open pages: the browser's next guest would submit them."""
    rotate_token(request)


@receiver(user_logged_out)
def record_sign_out(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user and not user.is_guest:
        security_log.log_event("signed_out", user.pk, security_log.request_address(request))


def publish_revocation(*memberships: tuple[int, str]) -> None:
    """Make all processes check their sockets after the commit: see `Revoked`."""
    event = live.Event(None, msgspec.json.encode(Revoked(memberships)))
    transaction.on_commit(partial(live.publish, REVOCATIONS, event))
