"""What the server says first: orders, statuses, a room's live feed.

Plain Channels groups, as the tutorial teaches. It does not know the chat.
"""

from push.sending import asend, group_name, send

__all__ = ["asend", "group_name", "send"]
