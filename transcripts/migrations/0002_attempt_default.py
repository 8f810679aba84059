from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("transcripts", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="transcript",
            name="attempt",
            field=models.PositiveIntegerField(db_default=0, default=0, help_text="How often it was claimed."),
        ),
    ]
