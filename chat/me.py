"""The socket of a page that is in no room."""

from chat.listeners import Listener
from chat.unread import get_unread


class MeConsumer(Listener):
    """Tells a person what they have not read: all of it, then each change."""

    async def listen(self):
        user = self.scope["user"]
        if user.is_authenticated:
            self.life.enter_context(get_unread().follow(user.pk, self.show, self.lose))
        else:
            await self.close(4401)
