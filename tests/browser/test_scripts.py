"""Unit tests of scripts that need no page, in Chromium. `node --test tests/scripts/` runs the same files."""

import pytest

from tests.servers.processes import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILES = sorted((ROOT / "tests/scripts").glob("*.test.js"))
ORIGIN = "http://localhost"


async def serve(route):
    """Serve files of this repository, so that no server is needed."""
    path = ROOT / route.request.url.removeprefix(f"{ORIGIN}/")
    if path.is_file():
        await route.fulfill(path=path, content_type="text/javascript")
    else:
        await route.fulfill(
            body="<!doctype html><html lang=en><link rel=icon href=/icon>", content_type="text/html"
        )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
async def test_scripts(chromium, file):
    context = await chromium.new_context()
    page = await context.new_page()
    await page.route("**/*", serve)
    await page.goto(ORIGIN)
    address = f"/{file.relative_to(ROOT)}"
    results = await page.evaluate("async (address) => { await import(address); return run(); }", address)
    await context.close()
    assert results
    assert {name: error for name, error in results.items() if error} == {}
