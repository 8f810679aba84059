from django.db import migrations, models


class Migration(migrations.Migration):
    """Count unread messages from an index alone, by their authors."""

    atomic = False  # the old index is there until the new one is, and no lock waits for another

    dependencies = [
        ("chat", "0041_site_rules"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("event", None)),
                fields=["room", "number", "author"],
                name="message_not_deleted_author",
            ),
        ),
        migrations.RemoveIndex(
            model_name="message",
            name="message_not_deleted",
        ),
    ]
