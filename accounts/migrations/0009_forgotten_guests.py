# Guests who have signed in to an account keep no name, no address and no time of a visit. The account is not known.

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations
from django.utils import timezone


def forget(apps, schema_editor):
    """Forget guests without a name of their own who have no session, and so cannot come back."""
    sessions = apps.get_model("sessions", "Session").objects.filter(expire_date__gt=timezone.now())
    store = SessionStore()
    present = {
        int(store.decode(data).get(SESSION_KEY, 0))
        for data in sessions.values_list("session_data", flat=True).iterator()
    }
    people = apps.get_model("accounts", "User").objects
    nameless = people.filter(is_guest=True, name_key=None).values_list("pk", flat=True)
    for pk in set(nameless) - present:
        people.filter(pk=pk).update(
            name="Somebody", network="", last_login=None, seen_at=None, is_active=False
        )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_heir"),
        ("sessions", "0001_initial"),
    ]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
