import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Reports of messages to the moderators."""

    dependencies = [
        ("chat", "0035_message_requests"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("remove_message", "Removed a message"),
                    ("report", "Reported a message"),
                    ("remove_member", "Removed a member"),
                    ("silence", "Silenced somebody"),
                    ("end_silence", "Let somebody write again"),
                    ("ban", "Banned somebody"),
                    ("change_role", "Changed a role"),
                    ("create_invitation", "Created an invitation"),
                    ("rename", "Renamed a room"),
                    ("set_topic", "Changed a topic"),
                    ("archive", "Archived a room"),
                    ("reopen", "Opened an archived room again"),
                    ("revoke_invitation", "Revoked an invitation"),
                ],
                max_length=32,
            ),
        ),
        migrations.CreateModel(
            name="Report",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "message",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="chat.message"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("user", "message"), name="report")],
            },
        ),
    ]
