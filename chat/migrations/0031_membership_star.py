from django.db import migrations, models


class Migration(migrations.Migration):
    """Let people star rooms."""

    dependencies = [
        ("chat", "0030_search_keys_and_last_message_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="star",
            field=models.PositiveSmallIntegerField(
                help_text="The place among the member's starred rooms, from 1.", null=True
            ),
        ),
    ]
