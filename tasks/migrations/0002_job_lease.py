from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="attempt",
            field=models.PositiveIntegerField(db_default=0, default=0, help_text="How often it was claimed."),
        ),
        migrations.AddField(
            model_name="job",
            name="leased_until",
            field=models.DateTimeField(
                blank=True, help_text="When others may claim it; empty while no worker has it.", null=True
            ),
        ),
    ]
