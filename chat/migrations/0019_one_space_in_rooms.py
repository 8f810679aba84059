from itertools import count

from django.db import migrations

from chat.room_search import spellings
from base import names

MOST_AT_ONCE = 1000


def collapse_spaces(apps, schema_editor):
    """Several spaces in a room's name become one. If there is such a room already, a number tells them apart."""
    rooms = apps.get_model("chat", "Room").objects
    after = 0
    while some := list(rooms.filter(pk__gt=after).order_by("pk")[:MOST_AT_ONCE]):
        for room in some:
            name = " ".join(room.name.split())
            if name != room.name:
                room.name = free_name(rooms, name)
                room.key, room.spellings = names.key(room.name), spellings(room.name)
                room.save(update_fields=["name", "key", "spellings"])
        after = some[-1].pk


def free_name(rooms, name):
    for number in count(1):
        end = f" ({number})" if number > 1 else ""
        found = name[: names.MAX_ROOM_NAME - len(end)].rstrip() + end
        if not rooms.filter(key=names.key(found)).exists():
            return found


class Migration(migrations.Migration):
    atomic = False  # nobody waits for all of it

    dependencies = [
        ("chat", "0018_spell_rooms_again"),
    ]

    operations = [
        migrations.RunPython(collapse_spaces, migrations.RunPython.noop),
    ]
