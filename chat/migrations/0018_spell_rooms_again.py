from django.db import migrations

from chat.room_search import spellings

MOST_AT_ONCE = 1000


def spell_again(apps, schema_editor):
    """Rooms are found by each character's readings, and without regard to marks and variants."""
    rooms = apps.get_model("chat", "Room").objects
    found = rooms.order_by("pk")
    after = 0
    while some := list(found.filter(pk__gt=after)[:MOST_AT_ONCE]):
        for room in some:
            room.spellings = spellings(room.name)
        rooms.bulk_update(some, ["spellings"])
        after = some[-1].pk


class Migration(migrations.Migration):
    atomic = False  # nobody waits for all of it

    dependencies = [
        ("chat", "0017_author_is_staff"),
    ]

    operations = [
        migrations.RunPython(spell_again, migrations.RunPython.noop),
    ]
