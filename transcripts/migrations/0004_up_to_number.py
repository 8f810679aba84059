from django.db import migrations


class Migration(migrations.Migration):
    """Name the column of the last number after what it holds."""

    dependencies = [
        ("transcripts", "0003_claimed_at"),
    ]

    operations = [
        migrations.RenameField(model_name="transcript", old_name="upto", new_name="up_to_number"),
    ]
