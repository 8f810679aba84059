import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Let moderators remove messages, and log what they do."""

    dependencies = [
        ("chat", "0031_membership_star"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="removal_reason",
            field=models.CharField(
                blank=True,
                help_text="Why a moderator removed it, maybe empty; null if nobody did, or its author deleted it.",
                max_length=200,
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True, db_index=True)),
                (
                    "action",
                    models.CharField(choices=[("remove_message", "Removed a message")], max_length=32),
                ),
                ("actor_name", models.CharField(max_length=32)),
                ("person_name", models.CharField(max_length=32)),
                ("room_name", models.CharField(max_length=64)),
                ("number", models.BigIntegerField(help_text="The number of the message.", null=True)),
                ("reason", models.CharField(blank=True, max_length=200)),
                (
                    "address",
                    models.CharField(
                        blank=True, help_text="The moderator's address or network.", max_length=64
                    ),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="chat.room",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "audit entries",
                "ordering": ["-pk"],
            },
        ),
    ]
