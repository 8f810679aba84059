"""Times and days: in the page's language, in the format of the browser's region."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="session")

ZONE = "Asia/Tokyo"

RECENT = {"en": ("Today", "Yesterday"), "zh": ("今天", "昨天")}

LANGUAGES = """
    Object.defineProperty(navigator, "languages", { value: ["en-US@posix", "c", "en_US", "en-GB"] });
"""


async def say_in(lobby, tab, room):
    """Send a message. Return its time in the reader's time zone."""
    await tab.enter(lobby.url, room)
    await tab.say("hello")
    await tab.until_transcript("hello")
    at = await tab.messages.locator(".message__time").get_attribute("datetime")
    return datetime.fromisoformat(at).astimezone(ZoneInfo(ZONE))


@pytest.mark.parametrize(
    ("locale", "day", "time"),
    [
        ("en-GB", "{0:%A},? {0.day} {0:%B}", "{0:%H:%M}"),
        ("en-US", "{0:%A}, {0:%B} {0.day}", r"0?{1}:{0:%M}\s{0:%p}"),
        ("zh-CN", "{0.month}月{0.day}日星期.", "{0:%H:%M}"),
    ],
)
async def test_a_day_and_a_time_are_written_as_the_region_has_it(lobby, open_tab, locale, day, time):
    tab = await open_tab(locale=locale, timezone_id=ZONE)
    at = await say_in(lobby, tab, f"dates {locale}")
    hour = (at.hour - 1) % 12 + 1
    line, (today, yesterday) = tab.page.locator(".day"), RECENT[locale[:2]]
    await expect(line).to_have_text(today)
    for days, text in ((1, re.compile(f"^{yesterday}$")), (2, re.compile(f"^{day.format(at)}"))):
        await tab.page.clock.set_fixed_time(at + timedelta(days=days))
        await tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # after a night
        await expect(line).to_have_text(text)
    await expect(tab.messages.locator(".message__time")).to_have_text(
        re.compile(f"^{time.format(at, hour)}$")
    )


async def test_the_language_of_the_page_wins_over_that_of_the_region(lobby, open_tab):
    tab = await open_tab(locale="de-DE", timezone_id=ZONE)
    at = await say_in(lobby, tab, "dates of Germany")
    await expect(tab.messages.locator(".message__time")).to_have_text(f"{at:%H:%M}")  # but not for the hours
    await tab.page.clock.set_fixed_time(at + timedelta(days=3))
    await tab.page.reload()
    await expect(tab.page.locator(".day")).to_contain_text(f"{at:%A}")


async def test_invalid_languages_of_a_browser_are_skipped(lobby, open_tab):
    tab = await open_tab(timezone_id=ZONE)
    await tab.page.add_init_script(LANGUAGES)
    at = await say_in(lobby, tab, "dates of systems")
    await expect(tab.messages.locator(".message__time")).to_have_text(f"{at:%H:%M}")
    await tab.page.goto(f"{lobby.url}/offline/")  # which goes on by itself
    await expect(tab.page).to_have_url(f"{lobby.url}/chat/")


async def test_a_message_of_another_year_shows_the_year(lobby, open_tab):
    tab = await open_tab(timezone_id=ZONE)
    at = await say_in(lobby, tab, "dates of years")
    await tab.page.clock.set_fixed_time(datetime(at.year + 1, 6, 1, tzinfo=UTC))
    await tab.page.reload()
    await expect(tab.page.locator(".day")).to_contain_text(str(at.year))
    await tab.page.goto(f"{lobby.url}/chat/")
    card = tab.page.locator(".card", has_text="dates of years").locator(".card__time")
    await expect(card).to_contain_text(str(at.year))
