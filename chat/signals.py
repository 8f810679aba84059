"""Signals of the chat, for apps above it."""

from django.dispatch import Signal

# Messages were edited or deleted: `messages`, as now stored. Sent within the transaction.
messages_changed = Signal()
