"""Core journeys in WebKit."""

import pytest
import pytest_asyncio

from tests.engines.journeys import Journeys
from tests.engines.webkit import launched

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine():
    async with launched() as engine:
        yield engine


class TestWebKit(Journeys):
    pass
