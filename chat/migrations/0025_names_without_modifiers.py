from importlib import import_module

from django.db import migrations

# Letters that are drawn as punctuation are no difference around a name, and hide no reserved word.
key_names_again = import_module("chat.migrations.0015_names_without_punctuation").key_names_again


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0024_message_not_deleted"),
    ]

    operations = [
        migrations.RunPython(key_names_again, migrations.RunPython.noop),
    ]
