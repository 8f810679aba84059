import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Transcripts move here from the chat. The table stays as it is."""

    initial = True

    dependencies = [
        ("chat", "0027_message_client_id_in_room"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Transcript",
                    fields=[
                        (
                            "attempt",
                            models.PositiveIntegerField(default=0, help_text="How often it was claimed."),
                        ),
                        (
                            "leased_until",
                            models.DateTimeField(
                                blank=True,
                                help_text="When others may claim it; empty while no worker has it.",
                                null=True,
                            ),
                        ),
                        ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                        (
                            "origin",
                            models.CharField(
                                blank=True,
                                db_default="",
                                default="",
                                help_text="The address of the owner, as a hash with the server's secret.",
                                max_length=32,
                            ),
                        ),
                        (
                            "room_name",
                            models.CharField(
                                help_text="The room's name at the time of the request.", max_length=64
                            ),
                        ),
                        (
                            "language",
                            models.CharField(
                                default="en", help_text="The requester's language.", max_length=16
                            ),
                        ),
                        (
                            "upto",
                            models.BigIntegerField(
                                help_text="The room's last number at the time of the request."
                            ),
                        ),
                        ("total", models.BigIntegerField(help_text="Number of messages.")),
                        (
                            "done",
                            models.BigIntegerField(default=0, help_text="Number of messages written so far."),
                        ),
                        (
                            "size",
                            models.BigIntegerField(
                                default=0, help_text="Bytes of its file; an estimate until it is ready."
                            ),
                        ),
                        (
                            "version",
                            models.BigIntegerField(default=1, help_text="Grows with each published change."),
                        ),
                        ("file", models.FileField(blank=True, upload_to="")),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "outdated",
                            models.CharField(
                                blank=True,
                                choices=[("edited", "Edited"), ("deleted", "Deleted")],
                                db_default="",
                                default="",
                                help_text="How messages have changed since they were written.",
                                max_length=8,
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
                            ),
                        ),
                        (
                            "room",
                            models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="chat.room"),
                        ),
                    ],
                    options={
                        "db_table": "chat_export",
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("finished_at", None)),
                                fields=("owner", "room"),
                                name="export_unfinished",
                            )
                        ],
                    },
                ),
            ]
        ),
    ]
