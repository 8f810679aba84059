from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("push", "0002_feed_origin"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="feed",
            name="starter_name",
        ),
    ]
