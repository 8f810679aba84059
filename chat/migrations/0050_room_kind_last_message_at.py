from django.db import migrations, models


class Migration(migrations.Migration):
    """With an index of the kind alone, SQLite read and sorted all open rooms for each list."""

    dependencies = [("chat", "0049_forgotten_topics")]

    operations = [
        migrations.AddIndex(
            "room",
            models.Index(fields=["kind", "last_message_at", "id"], name="room_kind_last_message_at"),
        ),
        migrations.RemoveIndex("room", "room_kind"),
    ]
