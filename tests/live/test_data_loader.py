"""Batched reads: keys that are requested at the same time are read at once."""

import asyncio
import threading

import pytest

from live import data_loader
from live.data_loader import DataLoader


class Library:
    """Data loader whose reads wait for `may_read`."""

    def __init__(self):
        self.reads, self.may_read = [], threading.Event()
        self.loader = DataLoader(self.read)

    def read(self, keys):
        assert self.may_read.wait(10)
        self.reads.append(keys)
        if "broken" in keys:
            raise OSError
        return {key: key.upper() for key in keys if key != "missing"}

    def get(self, key):
        return asyncio.create_task(self.loader.load(key))


@pytest.fixture
async def library(database):
    return Library()


async def test_keys_that_are_requested_during_a_read_are_read_next(library):
    first = [library.get("a"), library.get("b"), library.get("a")]
    await asyncio.sleep(0)  # they have asked
    await asyncio.sleep(0)  # and it reads
    later = [library.get(key) for key in ("a", "c", "missing")]
    library.may_read.set()
    assert await asyncio.gather(*first, *later) == ["A", "B", "A", "A", "C", None]
    assert library.reads == [["a", "b"], ["a", "c", "missing"]]


async def test_an_error_of_a_read_reaches_its_callers_only(library):
    library.may_read.set()
    broken = [library.get("a"), library.get("broken")]
    assert [type(error) for error in await asyncio.gather(*broken, return_exceptions=True)] == [OSError] * 2
    assert await library.get("a") == "A"


async def test_a_cancelled_caller_takes_nothing_from_others(library):
    gone, other = library.get("a"), library.get("a")
    await asyncio.sleep(0)
    gone.cancel()
    library.may_read.set()
    assert await other == "A"


async def test_a_read_has_a_maximum_of_keys(library, monkeypatch):
    monkeypatch.setattr(data_loader, "QUERY_CHUNK", 2)
    library.may_read.set()
    assert await asyncio.gather(*map(library.get, "abc")) == ["A", "B", "C"]
    assert library.reads == [["a", "b"], ["c"]]
