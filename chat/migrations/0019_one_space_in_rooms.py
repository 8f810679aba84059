from itertools import count

from django.db import migrations

from chat.room_search import make_search_keys
from base import names

MOST_AT_ONCE = 1000


def collapse_spaces(apps, schema_editor):
    """Collapse spaces in room names. Add a number if a room of that name exists."""
    rooms = apps.get_model("chat", "Room").objects
    after = 0
    while some := list(rooms.filter(pk__gt=after).order_by("pk")[:MOST_AT_ONCE]):
        for room in some:
            name = " ".join(room.name.split())
            if name != room.name:
                room.name = free_name(rooms, name)
                room.key, room.spellings = names.key(room.name), make_search_keys(room.name)
                room.save(update_fields=["name", "key", "spellings"])
        after = some[-1].pk


def free_name(rooms, name):
    for number in count(1):
        end = f" ({number})" if number > 1 else ""
        found = name[: names.MAX_ROOM_NAME - len(end)].rstrip() + end
        if not rooms.filter(key=names.key(found)).exists():
            return found


class Migration(migrations.Migration):
    atomic = False  # each batch commits on its own

    dependencies = [
        ("chat", "0018_spell_rooms_again"),
    ]

    operations = [
        migrations.RunPython(collapse_spaces, migrations.RunPython.noop),
    ]
