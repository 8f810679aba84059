"""Server push: orders, statuses, live feeds of rooms.

It uses plain Channels groups, as the tutorial does, and does not depend on the chat.
"""

from push.sending import asend, group_name, send

__all__ = ["asend", "group_name", "send"]
