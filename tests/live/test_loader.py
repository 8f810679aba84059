"""What is asked for at the same time is read at once."""

import asyncio
import threading

import pytest

from live import loader
from live.loader import Loader


class Shelf:
    """What is read from, as soon as it may be."""

    def __init__(self):
        self.reads, self.may_read = [], threading.Event()
        self.loader = Loader(self.read)

    def read(self, keys):
        assert self.may_read.wait(10)
        self.reads.append(keys)
        if "broken" in keys:
            raise OSError
        return {key: key.upper() for key in keys if key != "missing"}

    def get(self, key):
        return asyncio.create_task(self.loader.get(key))


@pytest.fixture
async def shelf(database):
    return Shelf()


async def test_those_who_ask_while_others_are_read_for_are_read_for_next(shelf):
    first = [shelf.get("a"), shelf.get("b"), shelf.get("a")]
    await asyncio.sleep(0)  # they have asked
    await asyncio.sleep(0)  # and it reads
    later = [shelf.get(key) for key in ("a", "c", "missing")]
    shelf.may_read.set()
    assert await asyncio.gather(*first, *later) == ["A", "B", "A", "A", "C", None]
    assert shelf.reads == [["a", "b"], ["a", "c", "missing"]]


async def test_what_a_read_raises_its_askers_get_and_the_next_ones_do_not(shelf):
    shelf.may_read.set()
    broken = [shelf.get("a"), shelf.get("broken")]
    assert [type(error) for error in await asyncio.gather(*broken, return_exceptions=True)] == [OSError] * 2
    assert await shelf.get("a") == "A"


async def test_who_asks_no_longer_takes_nothing_from_others(shelf):
    gone, other = shelf.get("a"), shelf.get("a")
    await asyncio.sleep(0)
    gone.cancel()
    shelf.may_read.set()
    assert await other == "A"


async def test_a_read_has_a_bound(shelf, monkeypatch):
    monkeypatch.setattr(loader, "MOST_AT_ONCE", 2)
    shelf.may_read.set()
    assert await asyncio.gather(*map(shelf.get, "abc")) == ["A", "B", "C"]
    assert shelf.reads == [["a", "b"], ["c"]]
