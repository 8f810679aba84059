"""Models of the chat."""

from chat.models.audit import ON_SITE, AuditEntry, ModerationAction
from chat.models.ignored import Ignored
from chat.models.invitations import Invitation
from chat.models.memberships import Involvement, Membership, Role
from chat.models.messages import Mention, Message
from chat.models.reports import Report
from chat.models.rooms import (
    ARCHIVED,
    MAX_PEOPLE,
    MAX_TOPIC_LENGTH,
    SLOW_MODES,
    FormerName,
    History,
    Logged,
    Room,
    RoomKind,
    RulesChanged,
    Writers,
    new_epoch,
)
from chat.models.site_rules import SiteRules, SiteWriters

__all__ = [
    "ARCHIVED",
    "MAX_PEOPLE",
    "MAX_TOPIC_LENGTH",
    "ON_SITE",
    "SLOW_MODES",
    "AuditEntry",
    "FormerName",
    "History",
    "Ignored",
    "Invitation",
    "Involvement",
    "Logged",
    "Membership",
    "Mention",
    "Message",
    "ModerationAction",
    "Report",
    "Role",
    "Room",
    "RoomKind",
    "RulesChanged",
    "SiteRules",
    "SiteWriters",
    "Writers",
    "new_epoch",
]
