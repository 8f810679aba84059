# The log of the administration site forgets the names of accounts that were deleted.

from django.db import migrations


def forget(apps, schema_editor):
    people = apps.get_model("accounts", "User").objects.exclude(is_active=False, name_key=None)
    entries = apps.get_model("admin", "LogEntry").objects.filter(
        content_type__app_label="accounts", content_type__model="user"
    )
    for pk in set(entries.values_list("object_id", flat=True)):
        if not people.filter(pk=pk).exists():
            entries.filter(object_id=pk).update(object_repr="Somebody")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_forgotten_guests"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
