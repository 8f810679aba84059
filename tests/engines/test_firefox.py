"""Core journeys in Firefox."""

import pytest
import pytest_asyncio

from tests.engines.firefox import launched
from tests.engines.journeys import Journeys

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine():
    async with launched() as engine:
        yield engine


class TestFirefox(Journeys):
    pass
