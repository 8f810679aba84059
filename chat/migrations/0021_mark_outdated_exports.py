from django.db import migrations
from django.db.models import Exists, F, OuterRef, Q


def mark_outdated(apps, schema_editor):
    """Mark transcripts that were made before there were marks, and whose messages were changed since.

    An upgrade across 0012 would otherwise keep a deleted text for the day that the transcript has left.
    """
    exports = apps.get_model("chat", "Export").objects.filter(finished_at__isnull=False)
    messages = apps.get_model("chat", "Message").objects
    changed = messages.filter(room=OuterRef("room"), number__lte=OuterRef("upto"), seq__gt=OuterRef("upto"))
    having = {"deleted": Q(deleted_at__isnull=False), "edited": Q(deleted_at=None, edited_at__isnull=False)}
    for how, condition in having.items():
        rows = exports.exclude(outdated__in=[how, "deleted"]).filter(Exists(changed.filter(condition)))
        rows.update(outdated=how, version=F("version") + 1)


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0020_names_of_drawn_letters"),
    ]

    operations = [
        migrations.RunPython(mark_outdated, migrations.RunPython.noop),
    ]
