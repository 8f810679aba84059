from django.db import migrations, models


class Migration(migrations.Migration):
    """Include the room in all keys of messages, so that the table can be partitioned by room."""

    dependencies = [
        ("chat", "0026_resting_names_of_a_person"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="message",
            name="message_client_id",
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                fields=("room", "author", "client_id"), name="message_client_id"
            ),
        ),
    ]
