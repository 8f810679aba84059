"""Every change of state that a person asks for: check, commit, publish. Nothing else writes."""

from chat.actions.memberships import Member, involve, read_all
from chat.actions.messages import Entry, Written, delete, edit, send, write_all
from chat.actions.rooms import open_room

__all__ = [
    "Entry",
    "Member",
    "Written",
    "delete",
    "edit",
    "involve",
    "open_room",
    "read_all",
    "send",
    "write_all",
]
