from django.db import migrations


class Migration(migrations.Migration):
    """Name two columns of rooms after what they hold."""

    dependencies = [
        ("chat", "0029_message_client_id_of_room"),
    ]

    operations = [
        migrations.RenameField(model_name="room", old_name="spellings", new_name="search_keys"),
        migrations.RenameField(model_name="room", old_name="said_at", new_name="last_message_at"),
    ]
