"""Signals of the chat, for apps that depend on it."""

from django.dispatch import Signal

# Sent within the transaction that edits or deletes `messages`, which are as now stored.
messages_changed = Signal()

# Sent within the transaction that deletes rooms.
room_deleted = Signal()
