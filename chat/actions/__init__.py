"""Actions: all changes of state that people request (check, commit, publish). Nothing else writes."""

from chat.actions.memberships import MAX_STARRED, Member, leave, mark_read, set_involvement, star
from chat.actions.messages import Entry, WriteResult, delete, edit, send, write_all
from chat.actions.rooms import open_room

__all__ = [
    "MAX_STARRED",
    "Entry",
    "Member",
    "WriteResult",
    "delete",
    "edit",
    "leave",
    "mark_read",
    "open_room",
    "send",
    "set_involvement",
    "star",
    "write_all",
]
