# The site's rules for who may write, and the approval of people in the audit log.

from django.core.validators import MaxValueValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0040_direct_rooms_of_eight"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("remove_message", "Removed a message"),
                    ("report", "Reported a message"),
                    ("add_member", "Added a member"),
                    ("remove_member", "Removed a member"),
                    ("silence", "Silenced somebody"),
                    ("end_silence", "Let somebody write again"),
                    ("ban", "Banned somebody"),
                    ("approve", "Approved somebody to write"),
                    ("end_approval", "Revoked an approval"),
                    ("set_site_rules", "Changed the site's rules"),
                    ("change_role", "Changed a role"),
                    ("create_invitation", "Created an invitation"),
                    ("rename", "Renamed a room"),
                    ("set_topic", "Changed a topic"),
                    ("archive", "Archived a room"),
                    ("reopen", "Opened an archived room again"),
                    ("set_writers", "Changed who can write in a room"),
                    ("set_slow_mode", "Changed the slow mode of a room"),
                    ("set_history", "Changed what new members can read"),
                    ("delete_room", "Deleted a room"),
                    ("revoke_invitation", "Revoked an invitation"),
                ],
                max_length=32,
            ),
        ),
        migrations.CreateModel(
            name="SiteRules",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "writers",
                    models.CharField(
                        choices=[
                            ("everyone", "Everyone"),
                            ("accounts", "People with an account"),
                            ("approved", "People whom staff have approved"),
                        ],
                        db_default="everyone",
                        default="everyone",
                        help_text="Staff and approved people always may. Private and direct rooms are not restricted.",
                        max_length=10,
                        verbose_name="who may write in open rooms",
                    ),
                ),
                (
                    "guest_minutes",
                    models.PositiveSmallIntegerField(
                        db_default=0,
                        default=0,
                        help_text="New guests can't send links or mention many people, except in private rooms. 0: off.",
                        validators=[MaxValueValidator(10080)],
                        verbose_name="minutes in which a guest is new",
                    ),
                ),
            ],
            options={
                "verbose_name": "site rules",
                "verbose_name_plural": "site rules",
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="one_site_rules")],
            },
        ),
    ]
