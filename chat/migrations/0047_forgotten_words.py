# The audit log keeps no words of deleted rooms, of deleted accounts in closed rooms, or of guests who have signed in.

from django.db import migrations
from django.db.models import Q

# The actions of `chat.purge.WITH_WORDS`.
WITH_WORDS = ["rename", "set_topic", "remove_message"]


def forget(apps, schema_editor):
    entries = apps.get_model("chat", "AuditEntry").objects.all()
    guests = entries.filter(actor__is_guest=True, actor__name_key=None, actor__is_active=False)
    guests.filter(action="report").update(reason="")
    guests.update(actor_name="Somebody", address="")
    reports = apps.get_model("chat", "Report").objects.filter(user__is_guest=True, user__name_key=None)
    reports.filter(user__is_active=False).update(reason="")
    # Open rooms are never deleted.
    is_deleted = Q(room=None) | Q(room__kind="deleted")
    by_deleted = Q(actor_name="Somebody") & ~Q(room__kind="open")
    of_closed = entries.filter(is_deleted | by_deleted)
    of_closed.filter(action__in=WITH_WORDS).update(reason="")
    of_closed.update(room_name="")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_forgotten_guests"),
        ("chat", "0046_delete_reason"),
    ]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
