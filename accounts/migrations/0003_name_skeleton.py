from django.db import migrations, models
from django.db.models import Q

from accounts.confusables import NameKeys

CHUNK = 1000


def key_names_again(apps, schema_editor):
    """Store the keys of all names as they are computed now.

    If several users have the same key, the first in this order keeps the name: one whose key stays the same,
    accounts from the earliest on, guests from the latest on. The others get a new name on their next visit.
    """
    users = apps.get_model("accounts", "User").objects
    changed = list(find_changed(users))
    for start in range(0, len(changed), CHUNK):
        pks = [user.pk for user in changed[start : start + CHUNK]]
        users.filter(pk__in=pks).update(name_key=None, name_skeleton="")
    for user in sorted(changed, key=rank):
        keys = NameKeys.of(user.name)
        held = users.filter(Q(name_key__in=keys) | Q(name_skeleton__in=keys)).exclude(name_key=None)
        if not held.exists():
            users.filter(pk=user.pk).update(name_key=keys.key, name_skeleton=keys.skeleton)


def rank(user):
    is_other = NameKeys.of(user.name).key != user.name_key
    return is_other, user.is_guest, -user.pk if user.is_guest else user.pk


def find_changed(users):
    last = 0
    found = users.exclude(name_key=None).order_by("pk")
    while some := list(found.filter(pk__gt=last)[:CHUNK]):
        yield from (user for user in some if NameKeys.of(user.name) != (user.name_key, user.name_skeleton))
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
