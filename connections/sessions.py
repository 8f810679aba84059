"""Authentication of sockets: Channels' `AuthMiddlewareStack`, two queries for all concurrent handshakes."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from base import log_context
from connections.cookies import cookies_of
from live import PerLoop
from live.data_loader import DataLoader


class SessionAuth:
    """ASGI middleware that adds `session` and `user` to the scope."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        key = cookies_of(scope).get(settings.SESSION_COOKIE_NAME)
        user = await get_users().load(key) if key else None
        session = SessionStore(key if user else None)
        if user:
            log_context.add(person=user.pk)
        scope = {**scope, "session": session, "user": user or AnonymousUser()}
        await self.application(scope, receive, send)


def read_users(keys: Sequence[str]) -> Mapping[str, AbstractBaseUser]:
    """Return the users of sessions, by the sessions' keys."""
    rows = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    sessions = {row.session_key: row.get_decoded() for row in rows}
    pks = {session[SESSION_KEY] for session in sessions.values() if SESSION_KEY in session}
    users = {str(user.pk): user for user in get_user_model().objects.filter(pk__in=pks, is_active=True)}
    return {
        key: users[session[SESSION_KEY]]
        for key, session in sessions.items()
        if session.get(SESSION_KEY) in users and is_valid(session, users[session[SESSION_KEY]])
    }


def is_valid(session: Mapping[str, Any], user: AbstractBaseUser) -> bool:
    """Return whether this site created a session, and the user's password has not changed since."""
    is_ours = session.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
    return is_ours and constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())


get_users: PerLoop[DataLoader[str, AbstractBaseUser]] = PerLoop(lambda: DataLoader(read_users))
