from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("push", "0004_exact_smallest_amount"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="feed",
            name="runner",
        ),
        migrations.AddField(
            model_name="feed",
            name="attempt",
            field=models.PositiveIntegerField(db_default=0, default=0, help_text="How often it was claimed."),
        ),
        migrations.AlterField(
            model_name="feed",
            name="leased_until",
            field=models.DateTimeField(
                blank=True, help_text="When others may claim it; empty while no worker has it.", null=True
            ),
        ),
    ]
