"""Notifications: once, by the notification level, and not for a visible room."""

import os
import re

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.account import sign_in, sign_up
from tests.browser.conftest import hold, launched
from tests.browser.test_offline import until
from tests.browser.writer import Writer
from tests.servers.tab import tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")

GRANTED = {"permissions": ["notifications"], "service_workers": "allow"}

# What was shown in this tab, which would be gone from the screen by now.
RECORD = """
    window.shown = [];
    const show = ServiceWorkerRegistration.prototype.showNotification;
    ServiceWorkerRegistration.prototype.showNotification = function (title, options) {
        shown.push(`${title}: ${options.body}`);
        return show.call(this, title, options);
    };
"""

# Whether notifications of these texts are on the screen, and no others.
OPEN = """async (bodies) => {
    const registration = await navigator.serviceWorker.ready;
    const open = await registration.getNotifications();
    return String(open.map(({ body }) => body)) === String(bodies);
}"""

# Whether somebody looks at a page is the browser's to say: here the test says it.
LOOK_AWAY = """() => {
    document.hasFocus = () => false;
    dispatchEvent(new Event("blur"));
}"""
LOOK_AGAIN = """() => {
    delete document.hasFocus;
    dispatchEvent(new Event("focus"));
}"""


# Whether a page leads: it shows the notifications of its browser, once the page before has released the lock.
LEADS = """async () => {
    const { held } = await navigator.locks.query();
    return held.some(({ name }) => name.startsWith("lobby.notifier."));
}"""

# What a page needs of the browser for notifications: the permission, and locks.
WORKS = """async () => {
    const isHeld = await Promise.race([
        navigator.locks.request("probe", () => true),
        new Promise((resolve) => setTimeout(resolve, 10_000, false)),
    ]);
    for (let left = 100; left > 0 && Notification.permission !== "granted"; left--) {
        await new Promise((resolve) => setTimeout(resolve, 100));  // it may come late
    }
    return {permission: Notification.permission, isHeld};
}"""

# Of several launches under load, one may have a browser that gives no page a lock or the permission.
LAUNCHES = 5


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chromium(lobby):
    """Launch a browser with windows that works: no other shows notifications."""
    path, seen = os.environ.get("CHROMIUM_WITH_WINDOWS"), []
    for _launch in range(LAUNCHES):
        async with launched(path, channel=None if path else "chromium") as browser:
            context = await browser.new_context(**GRANTED)
            page = await context.new_page()
            await page.goto(f"{lobby.url}/chat/")
            seen.append(await page.evaluate(WORKS))
            await context.close()
            if seen[-1] == {"permission": "granted", "isHeld": True}:
                yield browser
                return
    pytest.fail(f"no browser gives a page what notifications need: {seen}")


@pytest_asyncio.fixture(loop_scope="session")
async def open_recorded(lobby, open_tab):
    """Open a tab that records its notifications."""

    async def open_recorded(room, beside=None, **options):
        tab = await open_tab(beside=beside, **({} if beside else GRANTED | options))
        await tab.page.add_init_script(RECORD)
        await tab.enter(lobby.url, room)
        await expect(tab.page.locator("#people-list .person").first).to_be_visible()
        await tab.page.wait_for_function("Notification.permission === 'granted'")  # it may come late
        return tab

    return open_recorded


async def shown(*tabs):
    return [each for tab in tabs for each in await tab.page.evaluate("() => shown")]


async def until_shown(tab, count):
    await tab.page.wait_for_function("count => shown.length === count", arg=count)


async def name_of(tab):
    return await tab.page.locator("#display-name .display-name__text").inner_text()


async def choose(tab, involvement):
    await tab.page.get_by_role("button", name="Notifications").click()
    async with tab.page.expect_response("**/involvement/"):
        await tab.page.get_by_role("radio", name=involvement).check()
    await tab.page.keyboard.press("Escape")


async def test_who_is_named_is_told_once_however_many_tabs_they_have(lobby, open_tab, open_recorded):
    speaker = await open_tab(lobby.url, "notify named")
    await speaker.say("first")
    one = await open_recorded("notify named")
    await one.until_transcript("first")
    you = await name_of(one)
    two = await open_recorded("notify named elsewhere", beside=one)
    three = await open_recorded("notify named elsewhere", beside=one)
    for tab in (one, two, three):
        await tab.page.evaluate(LOOK_AWAY)
    await speaker.say("nobody in particular")
    await expect(three.page).to_have_title("(1) notify named elsewhere · Lobby")
    await speaker.say(f"@{you} and so on")
    await expect(one.page.locator(".message--mention")).to_have_count(1)
    await until_shown(one, 1)
    names = await shown(one, two, three)  # with marks, so that no name changes places with the other
    assert [each.partition(" · ")[2] for each in names] == [f"\u2068notify named\u2069: @{you} and so on"]


async def test_a_mention_is_told_of_however_many_messages_follow_it(lobby, open_tab, open_recorded):
    speaker = await open_tab(lobby.url, "notify busy")
    await speaker.say("first")
    reader = await open_recorded("notify busy")
    await reader.until_transcript("first")
    await reader.page.evaluate(LOOK_AWAY)
    held = await hold(reader.page, "**/messages/*")
    you = await name_of(reader)
    await speaker.say(f"@{you} and so on")
    await held.until_asked()
    for number in range(25):
        await speaker.say(f"line {number}")
    await expect(reader.messages).to_have_count(27)
    held.released.set()
    await until_shown(reader, 1)
    assert await shown(reader) == [
        f"\u2068{await name_of(speaker)}\u2069 · \u2068notify busy\u2069: @{you} and so on"
    ]


async def test_a_mention_is_told_of_beside_messages_that_are_deleted(lobby, open_tab, open_recorded):
    """Counts that stay the same, or shrink, say nothing about what is new and what was read."""
    speaker = await open_tab(lobby.url, "notify beside")
    await speaker.say("first")
    reader = await open_recorded("notify beside")
    await reader.until_transcript("first")
    await reader.say("here")
    await reader.until_transcript("first", "here")
    you = await name_of(reader)
    async with tabs("notify beside", lobby) as (bot,):
        await reader.page.goto(f"{lobby.url}/chat/")
        await expect(reader.page.locator("#rooms").get_by_role("link", name="notify beside")).to_be_visible()
        await reader.page.evaluate(LOOK_AWAY)
        await bot.say(f"@{you} spam")
        await until_shown(reader, 1)
        await bot.command(type="delete", number=3)
        await speaker.say(f"@{you} and so on")
        await until_shown(reader, 2)
        await bot.say("a line")
        await expect(reader.page).to_have_title("(2) Lobby")
        await bot.command(type="delete", number=6)  # as the deletion was 4
        await expect(reader.page).to_have_title("(1) Lobby")
        await until_open(reader, f"@{you} and so on")


async def test_the_tabs_of_a_former_guest_neither_hear_nor_silence_what_the_account_is_told(
    lobby, open_tab, open_recorded
):
    room, username = "notify account", "notified"
    speaker, owner = await open_tab(lobby.url, room), await open_tab(lobby.url, room)
    you = await name_of(owner)
    await owner.say("here I was")
    await speaker.until_transcript("here I was")
    await sign_up(owner, username)
    await expect(owner.page).to_have_url(re.compile("/chat/"))
    await owner.page.close()
    looking = await open_recorded(room)  # as a guest
    index = await open_tab(beside=looking)
    await index.page.add_init_script(RECORD)
    await index.page.goto(f"{lobby.url}/chat/")
    tab = await open_tab(beside=looking)
    await sign_in(tab, lobby.url, username)
    await tab.page.close()  # it would notify
    account = await open_recorded("notify account elsewhere", beside=looking)
    await account.page.evaluate(LOOK_AWAY)
    for count in (1, 2):
        await speaker.say(f"@{you} {count}")
        await until_shown(account, count)
    assert await shown(looking, index) == []
    await expect(index.page).to_have_title("Lobby")


async def test_a_tab_that_is_refused_leaves_it_to_another_to_tell(lobby, open_tab, open_recorded):
    speaker = await open_tab(lobby.url, "notify refused")
    refused = await open_tab(**GRANTED)
    await refused.page.route_web_socket("**/ws/**", lambda socket: socket.close(code=4403))
    await refused.enter(lobby.url, "notify refused")
    await expect(refused.page.get_by_text("You no longer have access.")).to_be_visible()
    await speaker.say("first")
    two = await open_recorded("notify refused", beside=refused)
    await two.until_transcript("first")
    await two.say("here")
    await two.until_transcript("first", "here")
    await two.page.goto(f"{lobby.url}/chat/")
    await expect(two.page.locator("#rooms").get_by_role("link", name="notify refused")).to_be_visible()
    for tab in (refused, two):
        await tab.page.evaluate(LOOK_AWAY)
    await speaker.say(f"@{await name_of(refused)} and so on")
    await until_shown(two, 1)


async def test_a_room_that_is_looked_at_in_another_tab_is_not_told_of(lobby, open_tab, open_recorded):
    speaker = await open_tab(lobby.url, "notify looked at")
    one = await open_recorded("notify looked at elsewhere")
    two = await open_recorded("notify looked at", beside=one)
    you = await name_of(one)
    await one.page.evaluate(LOOK_AWAY)
    await two.page.evaluate("() => document.querySelector('#timeline-end').remove()")  # which is never seen
    await speaker.say(f"@{you} one")
    await expect(one.page).to_have_title("(1) notify looked at elsewhere · Lobby")
    await two.page.evaluate(LOOK_AWAY)
    await speaker.say(f"@{you} two")
    await until_shown(one, 1)
    assert (await shown(one))[0].endswith(" two")
    assert (await shown(one))[0].startswith(
        "\u2068"
    )  # so that the room's name does not change places with it


@pytest.mark.parametrize(("involvement", "told"), [("Every message", ["plain"]), ("Nothing", [])])
async def test_somebody_is_told_of_what_they_have_chosen(lobby, open_tab, open_recorded, involvement, told):
    room = f"notify {involvement}"
    speaker = await open_tab(lobby.url, room)
    listener = await open_recorded(room)
    await choose(listener, involvement)
    await listener.page.reload()
    await listener.page.get_by_role("button", name="Notifications").click()
    await expect(listener.page.get_by_role("radio", name=involvement)).to_be_checked()
    await listener.page.goto(f"{lobby.url}/chat/")
    await listener.page.evaluate(LOOK_AWAY)
    await expect(listener.page.locator("#rooms").get_by_role("link", name=room)).to_be_visible()
    await speaker.say("plain" if told else f"@{await name_of(speaker)}")
    await expect(listener.page).to_have_title("(1) Lobby")
    if told:
        await until_shown(listener, 1)
    assert [each.rpartition(": ")[2] for each in await shown(listener)] == told


async def test_a_mention_in_a_muted_room_is_not_told_of_when_it_is_unmuted(lobby, open_tab, open_recorded):
    speaker, listener = await open_tab(lobby.url, "notify later"), await open_recorded("notify later")
    you = await name_of(listener)
    await choose(listener, "Nothing")
    async with listener.page.expect_websocket() as opened:
        await listener.page.reload()
    socket = await opened.value
    await expect(listener.page.locator("#people-list .person").first).to_be_visible()
    await listener.page.evaluate(LOOK_AWAY)
    await speaker.say(f"@{you} one")
    await expect(listener.page).to_have_title("(1) notify later · Lobby")
    await listener.page.locator("#rooms").get_by_role("link", name="notify later").hover()
    await listener.page.get_by_role("button", name="Options for notify later").click()
    async with socket.expect_event("framereceived", lambda frame: '"newest":1' in frame):
        await listener.page.get_by_role("button", name="Unmute").click()
    await speaker.say(f"@{you} two")
    await until_open(listener, f"@{you} two")
    assert [each.rpartition(": ")[2] for each in await shown(listener)] == [f"@{you} two"]


async def test_a_page_that_comes_from_the_cache_has_the_current_setting(lobby, open_tab):
    tab = await open_tab(lobby.url, "notify back")
    await tab.page.reload()  # the browser uses a page again only for the cookies that it was requested with
    await choose(tab, "Nothing")
    await tab.page.goto(f"{lobby.url}/chat/")
    await tab.page.go_back()
    bell = tab.page.locator("#notification-settings-open use")
    await expect(bell).to_have_attribute("href", "#bell-off")


@pytest.fixture
def notified(lobby, open_tab, open_recorded):
    """Open the tabs of a sender and of a reader who has a notification of the sender's message."""

    async def notified(room, text, is_elsewhere=True):
        speaker, listener = Writer(await open_tab(lobby.url, room)), await open_recorded(room)
        await choose(listener, "Every message")
        if is_elsewhere:
            await listener.page.goto(f"{lobby.url}/chat/")
            await expect(listener.page.locator("#rooms").get_by_role("link", name=room)).to_be_visible()
        else:
            await listener.page.evaluate("() => document.querySelector('#timeline-end').remove()")
        await until(listener, LEADS)
        await listener.page.evaluate(LOOK_AWAY)
        await speaker.tab.say(text)
        await until_open(listener, text)
        return speaker, listener

    return notified


async def until_open(tab, *bodies):
    """Wait until exactly these notifications are shown."""
    await until(tab, OPEN, list(bodies))


async def test_the_next_leader_notifies_of_a_message_that_came_while_the_last_one_closed(
    lobby, open_tab, open_recorded
):
    speaker = await open_tab(lobby.url, "notify heir")
    leader = await open_recorded("notify heir")
    await choose(leader, "Every message")
    heir = await open_recorded("notify heir elsewhere", beside=leader)
    for tab in (leader, heir):
        await tab.page.evaluate(LOOK_AWAY)
    await leader.page.evaluate("() => { ServiceWorkerRegistration.prototype.showNotification = () => {}; }")
    await speaker.say("just now")
    await expect(heir.page).to_have_title("(1) notify heir elsewhere · Lobby")
    await leader.page.close()
    await until_shown(heir, 1)
    await until_open(heir, "just now")


async def test_a_notification_of_a_deleted_message_is_closed(notified):
    speaker, listener = await notified("notify deleted", "regretted")
    await speaker.tool("regretted", "Delete")
    await speaker.page.locator("#message-deletion").get_by_role("button", name="Delete").click()
    await until_open(listener)


@pytest.mark.parametrize("is_elsewhere", [False, True])
async def test_a_notification_of_an_edited_message_is_closed(notified, is_elsewhere):
    room = f"notify edited {is_elsewhere}"
    speaker, listener = await notified(room, "regretted", is_elsewhere=is_elsewhere)
    await speaker.tool("regretted", "Edit")
    await speaker.write("another")
    await until_open(listener)


async def test_a_notification_is_closed_when_the_room_is_read(notified, open_recorded):
    _, listener = await notified("notify read", "read me")
    await open_recorded("notify read", beside=listener)
    await until_open(listener)


async def test_notifications_are_closed_when_the_person_signs_out(notified):
    _, listener = await notified("notify left", "not for others")
    await listener.page.wait_for_function("() => navigator.serviceWorker.controller")
    await listener.page.evaluate("() => navigator.serviceWorker.controller.postMessage({ forget: true })")
    await until_open(listener)


# A browser whose user has not answered yet, and whose answer will be this one.
ASKS = """
    window.asked = 0;
    let permission = "default";
    Object.defineProperty(Notification, "permission", { get: () => permission });
    Notification.requestPermission = async () => { asked += 1; permission = "%s"; };
"""
HAS_ASKED = "() => asked === 1"


async def open_asking(open_tab, url, room, answer):
    tab = await open_tab()
    await tab.page.add_init_script(ASKS % answer)
    await tab.enter(url, room)
    await expect(tab.page.locator("#people-list .person")).to_have_count(1)
    assert await tab.page.evaluate("() => asked") == 0
    return tab


async def test_the_browser_is_asked_when_one_chooses_and_not_before(lobby, open_tab):
    tab = await open_asking(open_tab, lobby.url, "notify asks", "denied")
    await choose(tab, "Every message")
    await tab.page.wait_for_function(HAS_ASKED)


async def test_notifications_are_turned_on_where_the_choice_is(lobby, open_tab):
    tab = await open_asking(open_tab, lobby.url, "notify turns on", "denied")
    await tab.page.get_by_role("button", name="Notifications").click()
    await expect(tab.page.get_by_role("radio", name="Mentions only")).to_be_checked()
    turn_on = tab.page.get_by_role("button", name="Turn on notifications")
    await turn_on.click()
    await tab.page.wait_for_function(HAS_ASKED)
    await expect(turn_on).to_be_hidden()
    await expect(tab.page.get_by_text("Notifications are blocked. Allow them in")).to_be_visible()


async def test_notifications_are_offered_once_after_the_first_mention(lobby, open_tab):
    tab = await open_asking(open_tab, lobby.url, "notify offers", "granted")
    speaker = await open_tab(lobby.url, "notify offers")
    await expect(speaker.page.locator("#people-list .person")).to_have_count(2)
    offer, you = tab.page.get_by_role("region", name="Notifications"), await name_of(tab)
    await speaker.say("nobody in particular")
    await tab.until_transcript("nobody in particular")
    await expect(offer).to_be_hidden()
    await speaker.say(f"@{you} first ")
    await expect(offer).to_contain_text("You were mentioned")
    await offer.get_by_role("button", name="Turn on").click()
    await tab.page.wait_for_function(HAS_ASKED)
    await expect(offer).to_be_hidden()
    await tab.page.reload()  # the permission is forgotten, but not that it was offered
    await expect(tab.page.locator("#people-list .person")).to_have_count(2)
    await speaker.say(f"@{you} second ")
    await expect(tab.page.locator(".message--mention")).to_have_count(2)
    await expect(offer).to_be_hidden()


async def test_what_is_chosen_in_one_tab_is_chosen_in_all(lobby, open_tab):
    one = await open_tab(lobby.url, "notify agrees")
    two = await open_tab(lobby.url, "notify agrees", beside=one)
    await choose(one, "Nothing")
    await two.page.get_by_role("button", name="Notifications").click()
    await expect(two.page.get_by_role("radio", name="Nothing")).to_be_checked()


async def test_a_level_that_is_being_saved_is_not_undone_by_late_counts(lobby, open_recorded, open_tab):
    tab, other = await open_recorded("notify saving"), await open_tab(lobby.url, "notify saving")
    held = await hold(tab.page, "**/involvement/")
    await tab.page.evaluate(LOOK_AWAY)
    await tab.page.get_by_role("button", name="Notifications").click()
    every = tab.page.get_by_role("radio", name="Every message")
    await every.check()
    await other.say("news meanwhile")
    await expect(tab.page).to_have_title(re.compile(r"^\(1\)"))  # the counts have the level, too
    await expect(every).to_be_checked()
    async with tab.page.expect_response("**/involvement/"):
        held.released.set()
    await expect(every).to_be_checked()
