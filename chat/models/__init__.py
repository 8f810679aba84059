"""Models of the chat."""

from chat.models.audit import AuditEntry, ModerationAction
from chat.models.memberships import Involvement, Membership
from chat.models.messages import MAX_REASON_LENGTH, Mention, Message
from chat.models.rooms import Logged, Room, new_epoch

__all__ = [
    "MAX_REASON_LENGTH",
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
