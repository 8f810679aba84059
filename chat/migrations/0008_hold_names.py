from django.db import migrations, transaction

from accounts.confusables import likeness
from accounts.display_names import clean_display_name

MOST_AT_ONCE = 1000


def hold_names(apps, schema_editor):
    """Assign names to their holders: accounts first, then the newest guests. The first holder of a name keeps it."""
    people = apps.get_model("chat", "User").objects.filter(name_key=None)
    for some in in_pieces(people.filter(is_guest=False), "pk", "pk__gt"):
        hold(people.model, some)
    for some in in_pieces(people.filter(is_guest=True), "-pk", "pk__lt"):
        hold(people.model, some)


def in_pieces(people, order, after):
    found = people.order_by(order)
    while some := list(found[:MOST_AT_ONCE]):
        yield some
        found = people.order_by(order).filter(**{after: some[-1].pk})


@transaction.atomic
def hold(model, people):
    by_key = {likeness(person.name): person for person in reversed(people) if is_allowed(person.name)}
    taken = set(model.objects.filter(name_key__in=by_key).values_list("name_key", flat=True))
    holders = {key: person for key, person in by_key.items() if key not in taken}
    for key, person in holders.items():
        person.name_key = key
    model.objects.bulk_update(holders.values(), ["name_key"])


def is_allowed(name):
    try:
        return bool(clean_display_name(name))
    except ValueError:
        return False


class Migration(migrations.Migration):
    atomic = False  # each batch commits on its own

    dependencies = [
        ("chat", "0007_name_key"),
    ]

    operations = [
        migrations.RunPython(hold_names, migrations.RunPython.noop),
    ]
