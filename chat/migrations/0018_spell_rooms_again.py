from django.db import migrations

from chat.room_search import make_search_keys

MOST_AT_ONCE = 1000


def spell_again(apps, schema_editor):
    """Renew the search keys: by each character's readings, without marks and variants."""
    rooms = apps.get_model("chat", "Room").objects
    found = rooms.order_by("pk")
    after = 0
    while some := list(found.filter(pk__gt=after)[:MOST_AT_ONCE]):
        for room in some:
            room.spellings = make_search_keys(room.name)
        rooms.bulk_update(some, ["spellings"])
        after = some[-1].pk


class Migration(migrations.Migration):
    atomic = False  # each batch commits on its own

    dependencies = [
        ("chat", "0017_author_is_staff"),
    ]

    operations = [
        migrations.RunPython(spell_again, migrations.RunPython.noop),
    ]
