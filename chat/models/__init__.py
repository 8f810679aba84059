"""Models of the chat."""

from chat.models.memberships import Involvement, Membership
from chat.models.messages import Mention, Message
from chat.models.rooms import Logged, Room, new_epoch

__all__ = ["Involvement", "Logged", "Membership", "Mention", "Message", "Room", "new_epoch"]
