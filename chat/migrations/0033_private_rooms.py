from itertools import count

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from base import names
from chat.room_search import make_search_keys

PREFIX = "~"  # of the addresses of private rooms


def rename_rooms(apps, schema_editor):
    """Rename the rooms whose names look like addresses of private rooms. Their old addresses lead to them."""
    rooms = apps.get_model("chat", "Room").objects
    former_names = apps.get_model("chat", "FormerName").objects
    for room in rooms.filter(key__startswith=PREFIX).order_by("pk"):
        former_names.create(key=room.key, room=room)
        room.name = free_name(rooms, room.name.lstrip(PREFIX + " ") or "room")
        room.key, room.search_keys = names.key(room.name), make_search_keys(room.name)
        room.save(update_fields=["name", "key", "search_keys"])


def keep_private(apps, schema_editor):
    """Refuse to go back to a version that would show private rooms to everybody."""
    if apps.get_model("chat", "Room").objects.exclude(kind="open").exists():
        raise RuntimeError("Earlier versions would show private rooms to everybody: delete those first.")


def free_name(rooms, name):
    for number in count(1):
        end = f" ({number})" if number > 1 else ""
        found = name[: names.MAX_ROOM_NAME - len(end)].rstrip() + end
        if not rooms.filter(key=names.key(found)).exists():
            return found


class Migration(migrations.Migration):
    """Add private rooms: their titles, the roles of members, and invitations."""

    dependencies = [
        ("chat", "0032_moderation"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="role",
            field=models.CharField(
                choices=[("member", "Member"), ("moderator", "Moderator"), ("owner", "Owner")],
                db_default="member",
                default="member",
                max_length=9,
            ),
        ),
        migrations.AddField(
            model_name="room",
            name="kind",
            field=models.CharField(
                choices=[("open", "Open"), ("private", "Private"), ("direct", "Direct")],
                db_default="open",
                default="open",
                editable=False,
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="room",
            name="people",
            field=models.CharField(
                editable=False,
                help_text="The keys of the people of a direct room, in order: they always find the same one.",
                max_length=64,
                null=True,
                unique=True,
            ),
        ),
        migrations.AddField(
            model_name="room",
            name="title",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="What a private room is called: its address tells nothing. Empty for an open room.",
                max_length=64,
            ),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("remove_message", "Removed a message"),
                    ("remove_member", "Removed a member"),
                    ("silence", "Silenced somebody"),
                    ("end_silence", "Let somebody write again"),
                    ("ban", "Banned somebody"),
                    ("change_role", "Changed a role"),
                    ("create_invitation", "Created an invitation"),
                    ("revoke_invitation", "Revoked an invitation"),
                ],
                max_length=32,
            ),
        ),
        migrations.AlterField(
            model_name="room",
            name="name",
            field=models.CharField(help_text="The name in its address, as first written.", max_length=64),
        ),
        migrations.CreateModel(
            name="FormerName",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(help_text="The normalized name.", max_length=255, unique=True)),
                (
                    "room",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="chat.room"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "token_hash",
                    models.CharField(help_text="SHA-256 of the token.", max_length=64, unique=True),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[("member", "Member"), ("moderator", "Moderator"), ("owner", "Owner")],
                        default="member",
                        max_length=9,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                (
                    "max_uses",
                    models.PositiveIntegerField(
                        help_text="How many may join; null for any number.", null=True
                    ),
                ),
                ("uses", models.PositiveIntegerField(default=0)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "inviter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="chat.room"),
                ),
            ],
            options={"ordering": ["-pk"]},
        ),
        migrations.RunPython(rename_rooms, keep_private),
    ]
