from importlib import import_module

from django.db import migrations

# Characters of annotations and embedded objects are invisible, and more words are reserved.
key_names_again = import_module("chat.migrations.0015_names_without_punctuation").key_names_again


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0022_export_origin"),
    ]

    operations = [
        migrations.RunPython(key_names_again, migrations.RunPython.noop),
    ]
