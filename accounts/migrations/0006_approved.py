# Approval by staff: see `chat.models.SiteRules`.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_silence_and_bans"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="is_approved",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="Whether staff approved the person, so that the site's rules don't restrict them.",
            ),
        ),
    ]
