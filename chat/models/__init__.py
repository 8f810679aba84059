"""Models of the chat."""

from chat.models.audit import AuditEntry, ModerationAction
from chat.models.invitations import Invitation
from chat.models.memberships import Involvement, Membership, Role
from chat.models.messages import Mention, Message
from chat.models.rooms import FormerName, Logged, Room, RoomKind, new_epoch

__all__ = [
    "AuditEntry",
    "FormerName",
    "Invitation",
    "Involvement",
    "Logged",
    "Membership",
    "Mention",
    "Message",
    "ModerationAction",
    "Role",
    "Room",
    "RoomKind",
    "new_epoch",
]
