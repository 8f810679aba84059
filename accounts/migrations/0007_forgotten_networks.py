# Deleted accounts keep no address from which their people came.

from django.db import migrations


def forget(apps, schema_editor):
    User = apps.get_model("accounts", "User")
    deleted = User.objects.filter(is_active=False, name_key=None, username__startswith="deleted-")
    deleted.update(network="", last_login=None, seen_at=None)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_approved"),
    ]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
