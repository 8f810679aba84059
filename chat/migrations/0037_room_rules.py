# Who may write in a room and how often, and kinds of events and rooms.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0036_reports"),
    ]

    operations = [
        migrations.AddField(
            model_name="room",
            name="slow_mode",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="The pause between two messages of one person, who is no moderator (seconds).",
            ),
        ),
        migrations.AddField(
            model_name="room",
            name="writers",
            field=models.CharField(
                choices=[("everyone", "Everyone"), ("moderators", "Moderators only")],
                db_default="everyone",
                default="everyone",
                help_text="Who may write in the room.",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("remove_message", "Removed a message"),
                    ("report", "Reported a message"),
                    ("add_member", "Added a member"),
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
                    ("set_writers", "Changed who can write in a room"),
                    ("set_slow_mode", "Changed the slow mode of a room"),
                    ("delete_room", "Deleted a room"),
                    ("revoke_invitation", "Revoked an invitation"),
                ],
                max_length=32,
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="event",
            field=models.CharField(
                choices=[
                    ("joined", "{name} joined"),
                    ("added", "{name} added {subject}"),
                    ("left", "{name} left"),
                    ("removed", "{name} removed {subject}"),
                    ("renamed", "{name} renamed the room to {subject}"),
                    ("topic", "{name} changed the topic to {subject}"),
                    ("no_topic", "{name} removed the topic"),
                    ("archived", "{name} archived the room"),
                    ("reopened", "{name} opened the room again"),
                    ("muted", "{name} let only moderators write"),
                    ("unmuted", "{name} let everyone write"),
                    ("slow", "{name} turned on slow mode: one message every {subject} seconds"),
                    ("not_slow", "{name} turned off slow mode"),
                ],
                help_text="What happened to the room; null for a message.",
                max_length=8,
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="room",
            name="kind",
            field=models.CharField(
                choices=[
                    ("open", "Open"),
                    ("private", "Private"),
                    ("direct", "Direct"),
                    ("deleted", "Deleted"),
                ],
                db_default="open",
                default="open",
                editable=False,
                max_length=8,
            ),
        ),
    ]
