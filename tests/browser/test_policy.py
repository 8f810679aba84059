"""Content security policy in Chromium: all pages work, and injected code does not run.

What `open_tab` opens tells of every violation, in all other tests too.
"""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import violations
from tests.servers.processes import manage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_pages_load_under_the_policy(lobby, open_tab):
    tab = await open_tab(lobby.url, "policy")
    await tab.say("hello")
    await tab.until_transcript("hello")
    painted = re.compile(r"oklch\(0\.9 0\.055 (?!165\))\d+\)")  # 165 is what it is without the person's hue
    await expect(tab.page.locator(".avatar").last).to_have_css("background-color", painted)
    for path in ("/chat/", "/orders/", "/status/1/", "/recipes/", "/recipes/room/", "/nothing/"):
        await tab.page.goto(f"{lobby.url}{path}")
        await expect(tab.page.locator("h1")).to_be_visible()
    await tab.enter(lobby.url, "policy")
    await tab.choose("Transcript")
    await expect(tab.page.get_by_role("heading", name="Transcript of policy")).to_be_visible()


async def test_the_administration_site_works_under_the_policy(lobby, open_tab):
    manage(
        *("createsuperuser", "--noinput", "--username", "policy", "--email", "policy@example.org"),
        VAR_DIR=str(lobby.var_dir),
        DJANGO_SUPERUSER_PASSWORD="correct horse",
    )
    page = (await open_tab()).page
    await page.goto(f"{lobby.url}/admin/login/?next=/admin/accounts/user/%3Fq=policy")
    await page.get_by_label("Username").fill("policy")
    await page.get_by_label("Password").fill("correct horse")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/user/?q=policy", wait_until="load")  # scripts may still move what is clicked
    await page.get_by_role("link", name="policy", exact=True).click()
    await expect(page.get_by_role("link", name="Today").first).to_be_visible()  # a script has put it there
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("was changed successfully")).to_be_visible()


async def test_what_is_injected_does_not_run(lobby, chromium):
    page = await chromium.new_page(service_workers="block")
    found = []
    page.on("console", lambda message: found.extend(violations(message)))
    await page.goto(f"{lobby.url}/chat/")
    await page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'run'";
            const image = document.createElement("div");
            image.innerHTML = `<img src="/nothing" onerror="document.title = 'run'">`
                + `<p style="color: red">red</p>`;
            document.body.append(script, image);
        }"""
    )
    await expect(page.get_by_text("red", exact=True)).not_to_have_css("color", "rgb(255, 0, 0)")
    await page.wait_for_load_state("networkidle")
    assert await page.title() == "Lobby"
    assert len(found) == 3
    await page.close()
