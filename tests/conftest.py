import gc

import pytest
from channels.db import aclose_old_connections, database_sync_to_async
from django.utils import translation

from tests.faults.doorbell import Doorbell
from tests.servers.processes import Server


@pytest.fixture(autouse=True)
def speak_english():
    """A request leaves its language to the thread, which may be the tests' own."""
    yield
    translation.deactivate()


@pytest.fixture(scope="module", autouse=True)
def what_a_file_leaves_behind_is_told_of_there():
    """Garbage may raise a warning, which fails whichever test is running when it is collected."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def is_long(request):
    """Whether faults and floods last as long as docs/promise.md says."""
    return request.config.getoption("long")


@pytest.fixture(scope="session")
def lobby():
    """What `bin/run` starts: uvicorn with two workers, Valkey, SQLite."""
    with Server(environment={"WORKERS": "2"}) as server:
        yield server


@pytest.fixture(scope="module")
def doorbell():
    """A Valkey that may hang and go away."""
    doorbell = Doorbell()
    yield doorbell
    doorbell.kill()


@pytest.fixture
async def database(transactional_db):
    """The test's own, which the thread of all sockets lets go of in the end."""
    yield
    await aclose_old_connections()


@pytest.fixture
async def guest(database):
    from accounts import actions

    return await database_sync_to_async(actions.create_guest)()
