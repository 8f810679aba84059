# The deletion of a removal's reason, in the audit log.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0045_room_kind"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("remove_message", "Removed a message"),
                    ("delete_reason", "Deleted the reason of a removal"),
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
    ]
