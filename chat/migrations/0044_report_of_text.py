from django.db import migrations, models


class Migration(migrations.Migration):
    """Let people report a message again after it was edited."""

    dependencies = [
        ("chat", "0043_message_author_room_number"),
    ]

    operations = [
        migrations.AddField(
            model_name="report",
            name="seq",
            field=models.BigIntegerField(
                db_default=0,
                default=0,
                help_text="The message's seq: edits change it. 0: from before it was stored.",
            ),
        ),
        migrations.AddConstraint(
            model_name="report",
            constraint=models.UniqueConstraint(fields=("user", "message", "seq"), name="report_of_text"),
        ),
        migrations.RemoveConstraint(
            model_name="report",
            name="report",
        ),
    ]
