"""How many passwords are hashed at the same time."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event, Lock

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password
from django.test import Client

from chat import hashers
from live import Refused
from tests.servers.visitor import Visitor

PASSWORD = "correct horse battery"


class Slow:
    """What hashing takes, until it may go on."""

    def __init__(self):
        self.go_on, self.lock, self.now, self.most = Event(), Lock(), 0, 0

    def __call__(self, hasher, password, salt, iterations=None):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.go_on.wait(20)
        with self.lock:
            self.now -= 1
        return "pbkdf2_sha256$1$salt$hash"


@pytest.fixture
def slow(monkeypatch):
    slow = Slow()
    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", slow)
    yield slow
    slow.go_on.set()


def test_two_are_hashed_at_once_some_wait_and_the_next_is_refused(slow, db):
    count = hashers.AT_ONCE + hashers.MOST_WAITING
    with ThreadPoolExecutor(count + 1) as pool:
        hashing = [pool.submit(make_password, PASSWORD) for _ in range(count + 1)]
        assert isinstance(next(as_completed(hashing, 20)).exception(), Refused)
        slow.go_on.set()
        assert [type(each.exception()) for each in hashing].count(type(None)) == count
    assert slow.most == hashers.AT_ONCE


def test_who_waits_too_long_is_refused(slow, db, monkeypatch):
    monkeypatch.setattr(hashers, "PATIENCE", 0.05)
    with ThreadPoolExecutor(hashers.AT_ONCE + 1) as pool:
        hashing = [pool.submit(make_password, PASSWORD) for _ in range(hashers.AT_ONCE + 1)]
        assert isinstance(next(as_completed(hashing, 20)).exception(), Refused)
        slow.go_on.set()


def test_what_django_hashed_before_is_still_right():
    encoded = PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)
    assert check_password(PASSWORD, encoded)
    assert not check_password("wrong", encoded)


def test_a_sign_in_that_is_refused_says_when_to_try_again(transactional_db, monkeypatch):
    monkeypatch.setattr(hashers, "PATIENCE", 0)
    turns = [hashers._turns.acquire(blocking=False) for _ in range(hashers.AT_ONCE)]
    try:
        answer = Client().post("/me/sign-in/", {"username": "nobody", "password": "wrong"})
    finally:
        for _ in turns:
            hashers._turns.release()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Too many people sign in at this moment." in answer.content.decode()


async def test_many_sign_ins_at_once_leave_pages_quick(lobby):
    """Compared with one sign-in on the same machine at the same time: no page waits for them all."""
    visitors = [await asyncio.to_thread(Visitor, lobby) for _ in range(17)]

    async def sign_in(visitor):
        began = time.monotonic()
        said = {"username": "nobody", "password": "wrong"}
        with pytest.raises(OSError, match="400"):
            await asyncio.to_thread(visitor.post, "/me/sign-in/", **said)
        return time.monotonic() - began

    async def load():
        began = time.monotonic()
        await asyncio.to_thread(visitors[0].get, "/chat/lobby/")
        return time.monotonic() - began

    alone = await sign_in(visitors[0])
    signing_in = asyncio.gather(*map(sign_in, visitors[1:]))
    pages = [await load()]
    while not signing_in.done():
        pages.append(await load())
    slowest_sign_in = max(await signing_in)
    assert slowest_sign_in > 2 * alone  # they wait for each other
    assert sorted(pages)[len(pages) // 2] < slowest_sign_in / 4
