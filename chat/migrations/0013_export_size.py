from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0012_export_outdated"),
    ]

    operations = [
        migrations.AddField(
            model_name="export",
            name="size",
            field=models.BigIntegerField(
                default=0, help_text="Bytes of its file; an estimate until it is ready."
            ),
        ),
    ]
