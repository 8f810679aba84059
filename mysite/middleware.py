"""What every socket passes on its way to its consumer."""

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.security.websocket import OriginValidator


class BrowserOriginValidator(OriginValidator):
    """Refuse pages of other sites, and let in programs that are no browser.

    A browser always names its page's origin (RFC 6455, section 4.1), so a socket without one
    carries nobody's cookies unasked.
    """

    def valid_origin(self, parsed_origin):
        return parsed_origin is None or super().valid_origin(parsed_origin)


def server_send(application):
    """Put the server's own `send` into the scope, for consumers that send past the middleware.

    Session and authentication have work to do for the handshake only; their wrapper around `send`
    would cost more for each frame than the frame itself.
    """

    async def with_server_send(scope, receive, send):
        return await application({**scope, "server_send": send}, receive, send)

    return with_server_send


class NotFound(AsyncWebsocketConsumer):
    """A socket at an address that nothing serves: closed with 4404, in a way that a page can see."""

    channel_layer_alias = None

    async def connect(self):
        await self.accept()
        await self.close(4404)
