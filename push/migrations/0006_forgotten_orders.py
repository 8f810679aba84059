# Nobody could unshare the orders of guests who have signed in to an account.

from django.db import migrations


def forget(apps, schema_editor):
    orders = apps.get_model("push", "Order").objects.filter(owner__is_guest=True, owner__name_key=None)
    orders.filter(owner__is_active=False).update(subject="", is_shared=False)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_forgotten_guests"),
        ("push", "0005_feed_lease"),
    ]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
