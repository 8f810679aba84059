from django.db import migrations, models


class Migration(migrations.Migration):
    """Find an author's last message in a room by an index; leave the new topic out of its line in the log."""

    atomic = False  # see 0042

    dependencies = [
        ("chat", "0042_unread_index"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["author", "room", "number"], name="message_author_room_number"),
        ),
        migrations.RemoveIndex(
            model_name="message",
            name="message_author_room",
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
                    ("topic", "{name} changed the topic"),
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
    ]
