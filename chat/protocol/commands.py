"""All commands of a room's socket."""

from chat.protocol.connection import Ping
from chat.protocol.messages import Delete, Edit, Send
from chat.protocol.typing import Type
from chat.protocol.unread import Read

Command = Send | Edit | Delete | Read | Type | Ping
