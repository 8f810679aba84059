import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """People, transcripts and periodic jobs are in apps of their own now. The tables stay as they are."""

    dependencies = [
        ("chat", "0027_message_client_id_in_room"),
        ("accounts", "0001_initial"),
        ("tasks", "0001_initial"),
        ("transcripts", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(
                    name="Chore",
                ),
                migrations.RemoveField(
                    model_name="export",
                    name="owner",
                ),
                migrations.RemoveField(
                    model_name="export",
                    name="room",
                ),
                migrations.DeleteModel(
                    name="RestingName",
                ),
                migrations.RemoveField(
                    model_name="user",
                    name="groups",
                ),
                migrations.RemoveField(
                    model_name="user",
                    name="user_permissions",
                ),
                migrations.AlterField(
                    model_name="mention",
                    name="user",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AlterField(
                    model_name="message",
                    name="author",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AlterField(
                    model_name="membership",
                    name="user",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL
                    ),
                ),
                migrations.DeleteModel(
                    name="Export",
                ),
                migrations.DeleteModel(
                    name="User",
                ),
            ]
        ),
    ]
