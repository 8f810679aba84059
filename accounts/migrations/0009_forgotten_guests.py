# Guests who have signed in to an account keep no name, no address and no time of a visit. The account is not known.

from django.db import migrations


def forget(apps, schema_editor):
    guests = apps.get_model("accounts", "User").objects.filter(is_guest=True, name_key=None)
    guests.update(name="Somebody", network="", last_login=None, seen_at=None)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_heir"),
    ]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
