from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0023_names_without_objects"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["room", "number"], condition=models.Q(deleted_at=None), name="message_not_deleted"
            ),
        ),
    ]
