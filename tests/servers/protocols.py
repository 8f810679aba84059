"""Lobby's uvicorn protocols in this process, with a test's application and places for handshakes."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass

from uvicorn import Config
from uvicorn.server import ServerState

from connections.admission import Places
from server import http_protocol
from server.http_protocol import HttpProtocol
from server.socket_protocol import SocketProtocol


@dataclass
class Served:
    port: int
    connections: set

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def serving(application, monkeypatch, running, waiting, rate=100, patience=30):
    places = Places(running, running, rate, waiting, patience)
    monkeypatch.setattr(http_protocol, "get_handshakes", lambda: places)
    config = Config(application, http=HttpProtocol, ws=SocketProtocol, log_config=None)
    config.load()
    state = ServerState()

    def protocol():
        return HttpProtocol(config, state, {})

    async with await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", backlog=1000) as server:
        yield Served(server.sockets[0].getsockname()[1], state.connections)
        for task in state.tasks:
            task.cancel()
        for connection in list(state.connections):
            connection.transport.abort()
