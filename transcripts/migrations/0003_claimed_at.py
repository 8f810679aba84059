from django.db import migrations, models


class Migration(migrations.Migration):
    """Addresses and people take turns: see `leases.claim`."""

    dependencies = [
        ("transcripts", "0002_attempt_default"),
    ]

    operations = [
        migrations.AddField(
            model_name="transcript",
            name="claimed_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When a worker last claimed it, or the one that it replaces.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="transcript",
            index=models.Index(fields=["origin", "claimed_at"], name="export_origin_claimed_at"),
        ),
        migrations.AddIndex(
            model_name="transcript",
            index=models.Index(fields=["owner", "claimed_at"], name="export_owner_claimed_at"),
        ),
    ]
