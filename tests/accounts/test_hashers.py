"""Password hashing: the limit of concurrent hashes."""

import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event, Lock

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password
from django.test import Client

from accounts import hashers
from base.api_errors import ApiError
from tests.servers.processes import UNLIMITED, Server
from tests.servers.visitor import Visitor

PASSWORD = "correct horse battery"


class Slow:
    """Hasher that waits until it may continue."""

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
    count = hashers.MAX_RUNNING + hashers.MAX_WAITING
    with ThreadPoolExecutor(count + 1) as pool:
        hashing = [pool.submit(make_password, PASSWORD) for _ in range(count + 1)]
        assert isinstance(next(as_completed(hashing, 20)).exception(), ApiError)
        slow.go_on.set()
        assert [type(each.exception()) for each in hashing].count(type(None)) == count
    assert slow.most == hashers.MAX_RUNNING


def test_who_waits_too_long_is_refused(slow, db, monkeypatch):
    monkeypatch.setattr(hashers, "QUEUE_TIMEOUT", 0.05)
    with ThreadPoolExecutor(hashers.MAX_RUNNING + 1) as pool:
        hashing = [pool.submit(make_password, PASSWORD) for _ in range(hashers.MAX_RUNNING + 1)]
        assert isinstance(next(as_completed(hashing, 20)).exception(), ApiError)
        slow.go_on.set()


def test_what_django_hashed_before_is_still_right():
    encoded = PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)
    assert check_password(PASSWORD, encoded)
    assert not check_password("wrong", encoded)


def test_a_sign_in_that_is_refused_says_when_to_try_again(transactional_db, monkeypatch):
    monkeypatch.setattr(hashers, "QUEUE_TIMEOUT", 0)
    turns = [hashers._turns.acquire(blocking=False) for _ in range(hashers.MAX_RUNNING)]
    try:
        answer = Client().post("/me/sign-in/", {"username": "nobody", "password": "wrong"})
    finally:
        for _ in turns:
            hashers._turns.release()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Too many people are signing in right now. Try again in a moment." in answer.content.decode()


def loads(visitor, enough):
    """Return the average time to load a page (seconds)."""
    began, count = time.monotonic(), 0
    while not (count and enough(count)):
        visitor.get("/chat/lobby/")
        count += 1
    return (time.monotonic() - began) / count


def sign_in(visitor):
    """Try to sign in. On a slow machine the last of many wait too long for their turn, and get 503."""
    with pytest.raises(OSError, match=r"400|503"):
        visitor.post("/me/sign-in/", username="nobody", password="wrong")


def test_sixteen_sign_ins_at_once_leave_pages_quick():
    """On two cores, a page took seven times as long without the limit, and 1.5 times as long with it."""
    with Server(environment=UNLIMITED | {"WORKERS": "1"}) as server, ThreadPoolExecutor(16) as pool:
        visitors = [Visitor(server) for _ in range(16)]
        before = loads(visitors[0], lambda count: count == 50)
        signing_in = [pool.submit(sign_in, visitor) for visitor in visitors]
        meanwhile = loads(Visitor(server), lambda count: all(each.done() for each in signing_in))
        for each in signing_in:
            each.result()
        after = loads(visitors[0], lambda count: count == 50)  # the machine may be busier by now
    assert meanwhile < 5 * max(before, after)
