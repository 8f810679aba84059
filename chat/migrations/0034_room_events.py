from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Let the log tell what happens to a room; topic lines and archived rooms."""

    dependencies = [
        ("chat", "0033_private_rooms"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="message",
            name="message_not_deleted",
        ),
        migrations.AddField(
            model_name="message",
            name="event",
            field=models.CharField(
                choices=[
                    ("joined", "{name} joined"),
                    ("left", "{name} left"),
                    ("removed", "{name} removed {subject}"),
                    ("renamed", "{name} renamed the room to {subject}"),
                    ("topic", "{name} changed the topic to {subject}"),
                    ("no_topic", "{name} removed the topic"),
                    ("archived", "{name} archived the room"),
                    ("reopened", "{name} opened the room again"),
                ],
                help_text="What happened to the room; null for a message.",
                max_length=8,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="room",
            name="archived_at",
            field=models.DateTimeField(help_text="Since when nobody can write in the room.", null=True),
        ),
        migrations.AddField(
            model_name="room",
            name="topic_line",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="What the room is about, in one line.",
                max_length=200,
            ),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("remove_message", "Removed a message"),
                    ("remove_member", "Removed a member"),
                    ("silence", "Silenced somebody"),
                    ("end_silence", "Let somebody write again"),
                    ("ban", "Banned somebody"),
                    ("change_role", "Changed a role"),
                    ("create_invitation", "Created an invitation"),
                    ("rename", "Renamed a room"),
                    ("set_topic", "Changed a topic"),
                    ("archive", "Archived a room"),
                    ("reopen", "Opened an archived room again"),
                    ("revoke_invitation", "Revoked an invitation"),
                ],
                max_length=32,
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("event", None)),
                fields=["room", "number"],
                name="message_not_deleted",
            ),
        ),
        # An earlier version would show them as messages of people.
        migrations.RunSQL(
            migrations.RunSQL.noop,
            "UPDATE chat_message SET deleted_at = created_at, text = '' WHERE event IS NOT NULL",
        ),
    ]
