# What new members of a private room can read.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0038_ignored"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="first_seq",
            field=models.BigIntegerField(
                db_default=0,
                default=0,
                help_text="The first seq of the log that the member may see. 0: all of it.",
            ),
        ),
        migrations.AddField(
            model_name="room",
            name="history",
            field=models.CharField(
                choices=[("all", "All messages"), ("new", "Only messages sent after they join")],
                db_default="all",
                default="all",
                help_text="What new members of a private room can read.",
                max_length=3,
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
                    ("set_history", "Changed what new members can read"),
                    ("delete_room", "Deleted a room"),
                    ("revoke_invitation", "Revoked an invitation"),
                ],
                max_length=32,
            ),
        ),
    ]
