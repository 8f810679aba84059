from django.db import migrations, models


class Migration(migrations.Migration):
    """Find private, direct and deleted rooms by an index."""

    dependencies = [
        ("chat", "0044_report_of_text"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="room",
            index=models.Index(fields=["kind"], name="room_kind"),
        ),
    ]
