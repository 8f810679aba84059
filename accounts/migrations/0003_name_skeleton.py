from django.db import migrations, models

from accounts.confusables import NameKeys

CHUNK = 1000


def key_names_again(apps, schema_editor):
    """Keys tell i and l apart now, so no two names that had keys of their own get the same one."""
    users = apps.get_model("accounts", "User").objects
    last = 0
    while some := list(users.exclude(name_key=None).filter(pk__gt=last).order_by("pk")[:CHUNK]):
        for user in some:
            user.name_key, user.name_skeleton = NameKeys.of(user.name)
        users.bulk_update(some, ["name_key", "name_skeleton"])
        last = some[-1].pk


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_content_types"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="name_skeleton",
            field=models.CharField(
                db_default="",
                db_index=True,
                default="",
                editable=False,
                help_text=(
                    "The name as it is drawn (see `confusables.NameKeys`); empty while it is another person's."
                ),
                max_length=255,
            ),
        ),
        migrations.RunPython(key_names_again, migrations.RunPython.noop),
    ]
