import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    """Index messages by room and client_id: no query filters by the client_id alone."""

    dependencies = [
        ("chat", "0028_apps_of_their_own"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["room", "client_id"], name="message_room_client_id"),
        ),
        migrations.AlterField(
            model_name="message",
            name="client_id",
            field=models.UUIDField(default=uuid.uuid4, help_text="The id that the sender gave it."),
        ),
    ]
