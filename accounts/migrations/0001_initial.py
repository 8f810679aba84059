import accounts.display_names
import django.contrib.auth.models
import django.contrib.auth.validators
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """People move here from the chat. The tables stay as they are: they were made there.

    See `management/commands/migrate.py` for databases in which the chat's migrations are applied.
    """

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("chat", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="RestingName",
                    fields=[
                        (
                            "key",
                            models.CharField(
                                help_text="As `User.name_key`.",
                                max_length=255,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "last_holder",
                            models.BigIntegerField(db_index=True, help_text="The pk of the user who had it."),
                        ),
                        ("until", models.DateTimeField()),
                    ],
                    options={
                        "db_table": "chat_restingname",
                    },
                ),
                migrations.CreateModel(
                    name="User",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("password", models.CharField(max_length=128, verbose_name="password")),
                        (
                            "last_login",
                            models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                        ),
                        (
                            "is_superuser",
                            models.BooleanField(
                                default=False,
                                help_text="Designates that this user has all permissions without explicitly assigning them.",
                                verbose_name="superuser status",
                            ),
                        ),
                        (
                            "username",
                            models.CharField(
                                error_messages={"unique": "A user with that username already exists."},
                                help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                                max_length=150,
                                unique=True,
                                validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                                verbose_name="username",
                            ),
                        ),
                        (
                            "first_name",
                            models.CharField(blank=True, max_length=150, verbose_name="first name"),
                        ),
                        ("last_name", models.CharField(blank=True, max_length=150, verbose_name="last name")),
                        (
                            "email",
                            models.EmailField(blank=True, max_length=254, verbose_name="email address"),
                        ),
                        (
                            "is_staff",
                            models.BooleanField(
                                default=False,
                                help_text="Designates whether the user can log into this admin site.",
                                verbose_name="staff status",
                            ),
                        ),
                        (
                            "is_active",
                            models.BooleanField(
                                default=True,
                                help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                                verbose_name="active",
                            ),
                        ),
                        (
                            "date_joined",
                            models.DateTimeField(
                                default=django.utils.timezone.now, verbose_name="date joined"
                            ),
                        ),
                        ("name", models.CharField(default=accounts.display_names.guest_name, max_length=32)),
                        (
                            "name_key",
                            models.CharField(
                                editable=False,
                                help_text="Key that all names share that look alike; empty while another person has the name.",
                                max_length=255,
                                null=True,
                                unique=True,
                            ),
                        ),
                        ("is_guest", models.BooleanField(default=False)),
                        (
                            "confirmed_email",
                            models.EmailField(
                                blank=True,
                                db_default="",
                                db_index=True,
                                default="",
                                editable=False,
                                help_text="The address that the user has confirmed. Email goes to no other.",
                                max_length=254,
                            ),
                        ),
                        (
                            "seen_at",
                            models.DateTimeField(
                                editable=False,
                                help_text="Last visit to a page or a room, to the hour.",
                                null=True,
                            ),
                        ),
                        (
                            "groups",
                            models.ManyToManyField(
                                blank=True,
                                help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                                related_name="user_set",
                                related_query_name="user",
                                to="auth.group",
                                verbose_name="groups",
                            ),
                        ),
                        (
                            "user_permissions",
                            models.ManyToManyField(
                                blank=True,
                                help_text="Specific permissions for this user.",
                                related_name="user_set",
                                related_query_name="user",
                                to="auth.permission",
                                verbose_name="user permissions",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "user",
                        "verbose_name_plural": "users",
                        "db_table": "chat_user",
                        "abstract": False,
                    },
                    managers=[
                        ("objects", django.contrib.auth.models.UserManager()),
                    ],
                ),
            ]
        ),
    ]
