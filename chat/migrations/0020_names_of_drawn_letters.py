from importlib import import_module

from django.db import migrations, models

# Small capitals and capitals in circles, squares and flags are letters, and more spellings are reserved.
key_names_again = import_module("chat.migrations.0015_names_without_punctuation").key_names_again


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0019_one_space_in_rooms"),
    ]

    operations = [
        migrations.RunPython(key_names_again, migrations.RunPython.noop),
        migrations.AlterField(
            "user",
            "seen_at",
            models.DateTimeField(
                editable=False,
                help_text="Last visit to a page or a room, to the hour.",
                null=True,
            ),
        ),
    ]
