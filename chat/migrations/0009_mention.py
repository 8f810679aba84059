import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0008_hold_names"),
    ]

    operations = [
        migrations.CreateModel(
            name="Mention",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(help_text="As written in the message.", max_length=32)),
                (
                    "number",
                    models.BigIntegerField(help_text="The message's number, to count unread mentions."),
                ),
            ],
            options={
                "ordering": ["user_id"],
            },
        ),
        migrations.AlterField(
            model_name="message",
            name="author",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="chat.user"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["author", "room"], name="message_author_room"),
        ),
        migrations.AddField(
            model_name="mention",
            name="message",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, to="chat.message"
            ),
        ),
        migrations.AddField(
            model_name="mention",
            name="room",
            field=models.ForeignKey(
                db_index=False,
                help_text="The message's room.",
                on_delete=django.db.models.deletion.PROTECT,
                to="chat.room",
            ),
        ),
        migrations.AddField(
            model_name="mention",
            name="user",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="chat.user"
            ),
        ),
        migrations.AddIndex(
            model_name="mention",
            index=models.Index(fields=["user", "room", "number"], name="mention_user_room_number"),
        ),
        migrations.AddConstraint(
            model_name="mention",
            constraint=models.UniqueConstraint(fields=("message", "user"), name="mention"),
        ),
    ]
