"""Addresses: the server's URL on this machine, and the prefix of a Lobby's names in Redis."""

from hashlib import sha256

from redis.asyncio.connection import parse_url


def local_host(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def local_url(host: str, port: int) -> str:
    host = local_host(host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def redis_prefix(secret_key: str, redis_url: str) -> str:
    """Return the prefix of a Lobby's names in Redis.

    Another Lobby may use another database of the same Redis: PUBLISH reaches the subscribers of all databases
    (https://redis.io/docs/latest/develop/pubsub/).
    """
    lobby = f"{secret_key} {parse_url(redis_url).get('db', 0)}"
    return f"lobby.{sha256(lobby.encode()).hexdigest()[:12]}"
