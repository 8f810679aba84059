"""Models of the chat."""

from chat.models.audit import AuditEntry, ModerationAction
from chat.models.memberships import Involvement, Membership
from chat.models.messages import Mention, Message
from chat.models.rooms import Logged, Room, new_epoch

__all__ = [
    "AuditEntry",
    "Involvement",
    "Logged",
    "Membership",
    "Mention",
    "Message",
    "ModerationAction",
    "Room",
    "new_epoch",
]
