from django.db import migrations, models

MOST_AT_ONCE = 1000


def trust_addresses(apps, schema_editor):
    """Addresses that accounts already have count as confirmed.

    Until now a password was reset through them unconfirmed. To people who have forgotten theirs, an
    address is the only way back, and they cannot sign in to confirm it.
    """
    users = apps.get_model("chat", "User").objects
    found = users.exclude(email="").filter(confirmed_email="").order_by("pk")
    after = 0
    while some := list(found.filter(pk__gt=after)[:MOST_AT_ONCE]):
        for user in some:
            user.email = user.confirmed_email = user.email.strip().lower()
        users.bulk_update(some, ["email", "confirmed_email"])
        after = some[-1].pk


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0013_export_size"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="confirmed_email",
            field=models.EmailField(
                blank=True,
                db_default="",
                db_index=True,
                default="",
                editable=False,
                help_text="The address that the user has confirmed. Email goes to no other.",
                max_length=254,
            ),
        ),
        migrations.RunPython(trust_addresses, migrations.RunPython.noop),
    ]
