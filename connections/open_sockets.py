"""Open sockets of this process: connection limits, and closing after sign-out, deletion or removal."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import msgspec
from channels.db import aclose_old_connections, database_sync_to_async
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from prometheus_client import Gauge

import live
from accounts.models import RestingName, User
from accounts.revocation import REVOCATIONS, Revoked
from base.api_errors import ApiError
from base.rooms import enter_rooms
from live.metrics import REFUSALS

# When to retry after too many connections (seconds).
RETRY_AFTER = 5

# Wait after a check of all sockets: anyone may cause one by signing out (seconds).
CHECK_COOLDOWN = 0.5

# Sockets per query.
QUERY_CHUNK = 1000

# Close codes.
RESTARTS = 1012
SIGNED_OUT = 4401
REMOVED = 4403
DELETED = 4410

SOCKETS = Gauge("lobby_sockets", "Open sockets, by the class of their consumer.", ["consumer"])


class Socket(Protocol):
    """Open socket. `user` and `session_key` are None without a session.

    `private_room` is the key of the private room that it enters, if any. It is set before the permission is
    read, so that a removal afterwards is noticed. `admission` is `Room.admission`, or None until the
    room has been read: it changes when the user is removed and added again.
    """

    user: User | None
    session_key: str | None
    address: str

    @property
    def admission(self) -> tuple[int, int] | None: ...

    @property
    def private_room(self) -> str | None: ...

    def dismiss(self, code: int) -> None:
        """Accept no more commands, and close."""


class Sockets:
    """All open sockets of a process. Construct it in a running event loop."""

    def __init__(self) -> None:
        self._open: set[Socket] = set()
        self._counts: Counter[str] = Counter()
        self._reconciler = live.Reconciler(
            REVOCATIONS,
            self._check_all,
            lambda: live.get_hub().compare_interval,
            self._on_batch,
            cooldown=CHECK_COOLDOWN,
        )

    @contextmanager
    def admitted(self, socket: Socket) -> Iterator[None]:
        """Count a socket while the context lasts. Raise `ApiError` if there are too many."""
        limits = {f"address {socket.address}": settings.CONNECTIONS_PER_ADDRESS} if socket.address else {}
        if socket.user:
            limits[f"person {socket.user.pk}"] = settings.CONNECTIONS_PER_PERSON
        if any(limit and self._counts[key] >= limit for key, limit in limits.items()):
            REFUSALS.labels("connections", "sockets").inc()
            raise ApiError("unavailable", _("Too many connections."), RETRY_AFTER)
        self._counts.update(limits.keys())
        self._open.add(socket)
        try:
            yield
        finally:
            self._open.discard(socket)
            for key in limits:
                self._counts[key] -= 1
                if not self._counts[key]:
                    del self._counts[key]

    async def close(self) -> None:
        await self._reconciler.close()

    def _on_batch(self, batch: live.Batch) -> None:
        """Close the sockets of ended memberships at once: they must not receive its next events."""
        for event in batch.events:
            ended = {*msgspec.json.decode(event.body, type=Revoked).memberships}
            for socket in [*self._open] if ended else ():
                if socket.user and (socket.user.pk, socket.private_room) in ended:
                    socket.dismiss(REMOVED)

    async def _check_all(self) -> None:
        """Close the sockets of revoked sessions, people and memberships.

        It runs also at intervals: notifications may be lost.
        """
        await aclose_old_connections()  # an idle process must notice too that the database file was replaced
        sockets = [(socket, socket.user) for socket in self._open if socket.user]
        for start in range(0, len(sockets), QUERY_CHUNK):
            for socket, code in await _to_dismiss(sockets[start : start + QUERY_CHUNK]):
                socket.dismiss(code)


@database_sync_to_async
def _to_dismiss(sockets: list[tuple[Socket, User]]) -> list[tuple[Socket, int]]:
    """Return the sockets that must close, with their close codes.

    A deleted person leaves a row or a resting name. A person who is missing because the database was restored
    leaves neither: their pages reconnect and show what is stored.
    """
    people = User.objects.only("username", "password", "is_active", "is_guest", "name_key").in_bulk(
        {user.pk for _, user in sockets}
    )
    keys = {socket.session_key for socket, _ in sockets if socket.session_key}
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    signed_in = {None, *sessions.values_list("session_key", flat=True)}
    missing = {user.pk for _, user in sockets} - people.keys()
    resting = RestingName.objects.filter(last_holder__in=missing)
    deleted = set(resting.values_list("last_holder", flat=True))
    inside = {(user.pk, socket.private_room) for socket, user in sockets if socket.private_room}
    members = enter_rooms(inside) if inside else {}
    found = []
    for socket, user in sockets:
        person = people.get(user.pk)
        entered = members.get((user.pk, socket.private_room)) if socket.private_room else None
        if person is None:
            found.append((socket, DELETED if user.pk in deleted else SIGNED_OUT))
        elif person.is_deleted:
            found.append((socket, DELETED))
        elif not person.is_active:
            found.append((socket, SIGNED_OUT if person.has_signed_in else REMOVED))
        elif socket.session_key not in signed_in or user.password != person.password:
            found.append((socket, SIGNED_OUT))
        elif socket.private_room and entered is None:
            found.append((socket, REMOVED))
        elif entered and socket.admission and socket.admission != entered.admission:
            is_same_membership = (
                socket.admission[0] == entered.admission[0]
            )  # with more or less of the history
            found.append((socket, RESTARTS if is_same_membership else REMOVED))
    return found


get_sockets = live.PerLoop(Sockets)
