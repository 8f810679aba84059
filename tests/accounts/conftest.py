import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.hashers import MD5PasswordHasher

from tests.room_sockets import (  # noqa: F401 (fixtures)
    afresh,
    connect,
    emails_are_not_limited,
    what_belongs_to_a_loop_is_closed,
)


@pytest.fixture
def hashed(settings, monkeypatch):
    """Hash passwords quickly, and count the hashes."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *args: hashed.append(args) or encode(*args))
    return hashed


@pytest.fixture
async def no_task_is_left_of_another_test():
    await get_channel_layer("tasks").flush()
