"""Examples of how to use parts of Lobby without the chat."""
