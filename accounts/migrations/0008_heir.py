# The accounts to which guests have signed in.

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_forgotten_networks"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="heir",
            field=models.ForeignKey(
                editable=False,
                help_text="The account to which a guest has signed in.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
