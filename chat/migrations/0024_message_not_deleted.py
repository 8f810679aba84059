from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0022_export_origin"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["room", "number"], condition=models.Q(deleted_at=None), name="message_not_deleted"
            ),
        ),
    ]
