from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0025_names_without_modifiers"),
    ]

    operations = [
        migrations.AlterField(
            model_name="restingname",
            name="last_holder",
            field=models.BigIntegerField(db_index=True, help_text="The pk of the user who had it."),
        ),
    ]
