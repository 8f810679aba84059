"""Audit log of moderation: who did what to whom, where, why, and from which address.

Only the end of a person or of a closed room changes it: names and words are emptied. The entries
of a guest who signs in become the account's.
"""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.display_names import MAX_NAME_LENGTH
from base.names import MAX_ROOM_NAME
from chat.reasons import MAX_REASON_LENGTH


class ModerationAction(models.TextChoices):
    """What a moderator did."""

    REMOVE_MESSAGE = "remove_message", _("Removed a message")
    DELETE_REASON = "delete_reason", _("Deleted the reason of a removal")
    REPORT = "report", _("Reported a message")
    ADD_MEMBER = "add_member", _("Added a member")
    REMOVE_MEMBER = "remove_member", _("Removed a member")
    SILENCE = "silence", _("Silenced somebody")
    END_SILENCE = "end_silence", _("Let somebody write again")
    BAN = "ban", _("Banned somebody")
    APPROVE = "approve", _("Approved somebody to write")
    END_APPROVAL = "end_approval", _("Revoked an approval")
    SET_SITE_RULES = "set_site_rules", _("Changed the site's rules")
    CHANGE_ROLE = "change_role", _("Changed a role")
    CREATE_INVITATION = "create_invitation", _("Created an invitation")
    RENAME = "rename", _("Renamed a room")
    SET_TOPIC = "set_topic", _("Changed a topic")
    ARCHIVE = "archive", _("Archived a room")
    REOPEN = "reopen", _("Opened an archived room again")
    SET_WRITERS = "set_writers", _("Changed who can write in a room")
    SET_SLOW_MODE = "set_slow_mode", _("Changed the slow mode of a room")
    SET_HISTORY = "set_history", _("Changed what new members can read")
    DELETE_ROOM = "delete_room", _("Deleted a room")
    REVOKE_INVITATION = "revoke_invitation", _("Revoked an invitation")


# Actions on people and on the whole site, in no room.
ON_SITE = [
    ModerationAction.SILENCE,
    ModerationAction.END_SILENCE,
    ModerationAction.BAN,
    ModerationAction.APPROVE,
    ModerationAction.END_APPROVAL,
    ModerationAction.SET_SITE_RULES,
]


class AuditEntry(models.Model):
    """Action of a moderator. Names are those of that time: people and rooms may be renamed or deleted."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    action = models.CharField(max_length=32, choices=ModerationAction)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    actor_name = models.CharField(max_length=MAX_NAME_LENGTH)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    person_name = models.CharField(max_length=MAX_NAME_LENGTH)
    room = models.ForeignKey("chat.Room", models.SET_NULL, null=True, related_name="+")
    room_name = models.CharField(max_length=MAX_ROOM_NAME)
    number = models.BigIntegerField(null=True, help_text="The number of the message.")
    reason = models.CharField(max_length=MAX_REASON_LENGTH, blank=True)
    address = models.CharField(max_length=64, blank=True, help_text="The moderator's address or network.")

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "audit entries"

    def __str__(self):
        return f"{self.actor_name}: {self.get_action_display()} ({self.room_name})"
