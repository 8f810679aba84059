from django.db import migrations, models


class Migration(migrations.Migration):
    """Let staff silence people, and ban the networks of guests."""

    dependencies = [
        ("accounts", "0004_names_without_signs"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="silenced_until",
            field=models.DateTimeField(editable=False, help_text="Until then they cannot write.", null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="network",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text=(
                    "The address or network from which a guest came first: a ban keeps further guests out."
                ),
                max_length=64,
            ),
        ),
        migrations.CreateModel(
            name="NetworkBan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("network", models.CharField(max_length=64, unique=True)),
                ("until", models.DateTimeField(db_index=True)),
            ],
            options={"db_table": "chat_networkban"},
        ),
    ]
