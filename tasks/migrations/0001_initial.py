import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """Periodic jobs move here from the chat. The table stays as it is."""

    initial = True

    dependencies = [
        ("chat", "0027_message_client_id_in_room"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Job",
                    fields=[
                        ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
                        ("due_at", models.DateTimeField(default=django.utils.timezone.now)),
                    ],
                    options={
                        "db_table": "chat_chore",
                    },
                ),
            ]
        ),
    ]
