# The first number in a transcript, for members who came later.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("transcripts", "0005_time_zone"),
    ]

    operations = [
        migrations.AddField(
            model_name="transcript",
            name="from_number",
            field=models.BigIntegerField(
                db_default=0, default=0, help_text="The first number of the room that its owner may see."
            ),
        ),
    ]
