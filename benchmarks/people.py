"""Makes people with sessions in a server's database, and prints the keys of their sessions.

python -m benchmarks.people HOW_MANY, with the server's DJANGO_SETTINGS_MODULE and environment.
"""

import sys

import django
from django.core.management import call_command
from django.db import transaction


def main() -> None:
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    with transaction.atomic():
        for number in range(int(sys.argv[1])):
            print(session_of(f"bench-{number}"))


def session_of(username: str) -> str:
    """A new person's session, as signing in makes it."""
    from django.contrib import auth
    from django.contrib.sessions.backends.db import SessionStore

    user = auth.get_user_model().objects.create(username=username)
    session = SessionStore()
    session[auth.SESSION_KEY] = str(user.pk)
    session[auth.BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key or ""


if __name__ == "__main__":
    main()
