from django.db import migrations, models


class Migration(migrations.Migration):
    """Direct rooms that others have opened take no place of other rooms."""

    dependencies = [
        ("chat", "0034_room_events"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="is_request",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Whether the other person opened this direct room, and the member has not written there.",
            ),
        ),
    ]
