from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0010_involvement"),
    ]

    operations = [
        migrations.AddField(
            model_name="export",
            name="language",
            field=models.CharField(default="en", help_text="The requester's language.", max_length=16),
        ),
    ]
