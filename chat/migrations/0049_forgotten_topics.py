# Lines of logs forget the topics of their rooms: a topic that was removed stayed there for all to read.

from django.db import migrations


def forget(apps, schema_editor):
    apps.get_model("chat", "Message").objects.filter(event="topic").update(text="")


class Migration(migrations.Migration):
    dependencies = [("chat", "0048_membership_role")]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
