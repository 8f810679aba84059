from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the requester's time zone."""

    dependencies = [
        ("transcripts", "0004_up_to_number"),
    ]

    operations = [
        migrations.AddField(
            model_name="transcript",
            name="time_zone",
            field=models.CharField(
                db_default="UTC",
                default="UTC",
                help_text="The requester's time zone, in which times are written.",
                max_length=64,
            ),
        ),
    ]
