"""Creates users with sessions in a server's database, and prints the sessions' keys.

python -m benchmarks.sessions COUNT, with the server's DJANGO_SETTINGS_MODULE and environment.
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
            print(create_session(f"bench-{number}"))


def create_session(username: str) -> str:
    """Create a user who is signed in. Return the session's key."""
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
