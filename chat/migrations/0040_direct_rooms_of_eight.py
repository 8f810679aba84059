# Direct rooms of up to eight people.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0039_history_of_new_members"),
    ]

    operations = [
        migrations.AlterField(
            model_name="membership",
            name="is_request",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Whether another person opened this direct room, and the member has not written there.",
            ),
        ),
        migrations.AlterField(
            model_name="room",
            name="people",
            field=models.CharField(
                editable=False,
                help_text="The keys of the people of a direct room, in order: they always find the same one.",
                max_length=160,
                null=True,
                unique=True,
            ),
        ),
    ]
