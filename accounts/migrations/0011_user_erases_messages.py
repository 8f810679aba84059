from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_forgotten_log_entries")]

    operations = [
        migrations.AddField(
            "user",
            "erases_messages",
            models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="Whether the messages of the deleted account are being deleted, too.",
            ),
        ),
        migrations.AddIndex(
            "user",
            models.Index(
                condition=models.Q(("erases_messages", True)), fields=["id"], name="user_erases_messages"
            ),
        ),
    ]
