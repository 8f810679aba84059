from importlib import import_module

from django.db import migrations

# Signs make no other name any more: Ada and Ada ☆.
key_names_again = import_module("accounts.migrations.0003_name_skeleton").key_names_again


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_name_skeleton"),
    ]

    operations = [
        migrations.RunPython(key_names_again, migrations.RunPython.noop),
    ]
