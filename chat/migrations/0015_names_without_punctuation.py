from django.db import migrations

from accounts.confusables import likeness
from accounts.display_names import clean_display_name

MOST_AT_ONCE = 1000


def key_names_again(apps, schema_editor):
    """Punctuation around a name is no difference any more, and more names are reserved.

    A user whose name is now another's or not allowed has none until the next visit, which gives a new one.
    Of two users whose names become the same, an account keeps it before a guest, an earlier account before
    a later one, and a later guest before an earlier one; before all of them, a user whose name already was like that.
    """
    people = apps.get_model("chat", "User").objects
    changed = [row for row in holders(people) if row["key"] != row["name_key"]]
    for start in range(0, len(changed), MOST_AT_ONCE):
        people.filter(pk__in=[row["pk"] for row in changed[start : start + MOST_AT_ONCE]]).update(
            name_key=None
        )
    for row in sorted(changed, key=lambda row: (row["is_guest"], row["pk"] * (-1 if row["is_guest"] else 1))):
        if row["key"] and not people.filter(name_key=row["key"]).exists():
            people.filter(pk=row["pk"]).update(name_key=row["key"])


def holders(people):
    after = 0
    found = people.exclude(name_key=None).order_by("pk").values("pk", "name", "name_key", "is_guest")
    while some := list(found.filter(pk__gt=after)[:MOST_AT_ONCE]):
        yield from (row | {"key": key(row["name"])} for row in some)
        after = some[-1]["pk"]


def key(name):
    try:
        clean_display_name(name)
    except ValueError:
        return None
    return likeness(name)


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0014_confirmed_email"),
    ]

    operations = [
        migrations.RunPython(key_names_again, migrations.RunPython.noop),
    ]
