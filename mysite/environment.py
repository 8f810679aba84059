"""Settings from environment variables. README.md describes each."""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]
Rate = Annotated[float, Meta(ge=0)]
Words = Annotated[list[str], Meta(min_length=1)]

# Beside `true`, `false`, `1` and `0`.
BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


class Environment(msgspec.Struct, frozen=True):
    """Environment variables with their types, limits and defaults. Lists are separated by commas."""

    HOST: str = "127.0.0.1"
    PORT: Annotated[int, Meta(ge=0, le=65535)] = 8000
    METRICS_PORT: Annotated[int, Meta(ge=0, le=65535)] = 0
    WORKERS: Annotated[int, Meta(ge=1, le=256)] = 2
    TASK_WORKERS: Annotated[int, Meta(ge=0, le=64)] = 1
    VAR_DIR: str = "var"
    REDIS_URL: str = ""
    DATABASE_URL: str = ""
    SECRET_KEY: str = ""
    PAYMENT_KEY: str = ""
    ALLOWED_HOSTS: Words = msgspec.field(default_factory=lambda: ["localhost", "127.0.0.1", "[::1]"])
    CSRF_TRUSTED_ORIGINS: list[str] = msgspec.field(default_factory=list)
    HTTPS: bool | None = None
    FORWARDED_ALLOW_IPS: str = ""
    SITE_URL: Annotated[str, Meta(pattern=r"^(https?://[^/?#@\s]+/?)?\Z")] = ""
    EMAIL_URL: str = "console:"
    DEBUG: bool = False
    LOG_FORMAT: Literal["lines", "json"] = "lines"
    ACCESS_LOG: bool = False
    CHAT_RATE: Rate = 20
    TEXT_PER_DAY: Count = 50
    FRAME_RATE: Rate = 50
    ROOMS_PER_HOUR: Count = 60
    GUESTS_PER_HOUR: Count = 240
    CHANGES_PER_HOUR: Count = 120
    TASKS_PER_HOUR: Count = 120
    TRIES_PER_HOUR: Count = 60
    MEDIA_DIR: str = ""
    MEDIA_LIMIT: Count = 1024
    DISK_RESERVE: Count = 512
    CONNECTIONS_PER_PERSON: Count = 50
    CONNECTIONS_PER_ADDRESS: Count = 1000


def read(variables: Mapping[str, str] = os.environ) -> Environment:
    """Read the variables. Raise ValueError, which names each mistake."""
    found: dict[str, Any] = {}
    mistakes = []
    for field in msgspec.structs.fields(Environment):
        name = field.name
        if name not in variables:
            continue
        try:
            found[name] = msgspec.convert(_prepared(variables[name], field.type), field.type, strict=False)
        except msgspec.ValidationError as error:
            mistakes.append(f"{name}: {error}")
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return Environment(**found)


def _prepared(value: str, type_: Any) -> Any:
    if type_ in (bool, bool | None):
        return BOOLEANS.get(value.lower(), value)
    if type_ in (list[str], Words):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value
