"""Invalid data in the browser's storage: the page works, and removes the data."""

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="session")

BROKEN = [
    "",
    "{",
    "null",
    "[]",
    "5",
    '{"message": "only"}',
    '{"message": "x", "text": 5, "at": "never", "epoch": "x", "seq": -1, "from": "me"}',
    '{"message": "x", "at": "2026-01-01T00:00:00Z", "failed": {}, "epoch": 5, "seq": 1, "text": []}',
    '{"mentions": [5, null, {"id": "5", "name": "x"}, {"id": 5}]}',
]

# Write a value to every key of this room and of another.
BREAK = """([value, number]) => {
    const { you, key } = JSON.parse(document.querySelector("#room-data").textContent);
    for (const room of [key, "elsewhere", "\\ud800"]) {
        localStorage.setItem(`lobby.unsent.${you.id}.${room}.${crypto.randomUUID()}`, value);
    }
    localStorage.setItem(`lobby.unsent.${you.id}.x`, value);
    for (const end of [number, "x", "1.5"]) localStorage.setItem(`lobby.edit.${you.id}.${key}.${end}`, value);
    localStorage.setItem(`lobby.mentions.${you.id}.${key}`, value);
    localStorage.setItem("lobby.sound", value);
    sessionStorage.setItem("value", value);
    sessionStorage.setItem("keys", JSON.stringify([`lobby.seen.${you.id}.${key}`]));
}"""

# Keep a refused message that pretends to be stored.
FORGE = """() => {
    const { you, key } = JSON.parse(document.querySelector("#room-data").textContent);
    const forged = { number: 7, seq: 7, deleted: new Date().toISOString(), mentions: 5 };
    const entry = { message: "forged", at: new Date().toISOString(), failed: "why", ...forged };
    localStorage.setItem(`lobby.unsent.${you.id}.${key}.${crypto.randomUUID()}`, JSON.stringify(entry));
}"""

# Keep an unsent message that mentions people whom the server would refuse.
MENTION = """() => {
    const { you, key } = JSON.parse(document.querySelector("#room-data").textContent);
    const mentions = [{ id: 5, name: "" }, { id: 6, name: "x".repeat(40) }];
    const entry = { message: `hi @${mentions[1].name}`, at: new Date().toISOString(), mentions };
    localStorage.setItem(`lobby.unsent.${you.id}.${key}.${crypto.randomUUID()}`, JSON.stringify(entry));
}"""

# What the page itself writes while it is left is broken before it is read.
BREAK_ON_LOAD = """
    const keys = JSON.parse(sessionStorage.getItem("keys") ?? "[]");
    for (const key of keys) sessionStorage.setItem(key, sessionStorage.getItem("value"));
"""

# Whether nothing is left that the page reads.
IS_CLEAN = """() => {
    const { you, key } = JSON.parse(document.querySelector("#room-data").textContent);
    const unsent = `unsent[.]${you.id}[.](${key}|elsewhere)[.].{36}`;
    const ours = new RegExp(`^lobby[.](${unsent}|edit[.]${you.id}[.]${key}[.]\\\\d+)$`);
    return Object.keys(localStorage).filter((name) => ours.test(name)).length === 0;
}"""


async def test_a_room_opens_whatever_is_stored(lobby, open_tab):
    tab = await open_tab()
    await tab.page.add_init_script(BREAK_ON_LOAD)
    await tab.enter(lobby.url, "stored")
    sent = []
    for number, value in enumerate(BROKEN, 1):
        await tab.page.evaluate(BREAK, [value, number])
        await tab.page.reload()
        sent.append(f"after {number}")
        await tab.say(sent[-1])
        await tab.until_transcript(*sent)
        await expect(tab.page.locator("#message-editor")).to_be_hidden()
        await tab.page.wait_for_function(IS_CLEAN)


async def test_an_unsent_message_has_no_fields_but_its_own(lobby, open_tab):
    tab = await open_tab(lobby.url, "forged")
    await tab.page.evaluate(FORGE)
    await tab.page.reload()
    await expect(tab.failed).to_contain_text("forged")
    assert await tab.transcript() == []


async def test_a_room_sends_nothing_of_a_room_whose_name_goes_on(lobby, open_tab):
    tab, other = await open_tab(), await open_tab(lobby.url, "dotted.2")
    await tab.page.route_web_socket("**/ws/**", lambda socket: None)  # it is never welcomed
    await tab.enter(lobby.url, "dotted.2")
    await tab.say("of the second")
    await expect(tab.pending).to_have_count(1)
    beside = await open_tab(lobby.url, "dotted", beside=tab)
    await other.until_transcript("of the second")
    await expect(beside.messages).to_have_count(0)


async def test_an_unsent_message_with_invalid_mentions_is_sent(lobby, open_tab):
    tab = await open_tab(lobby.url, "stored mentions")
    await tab.page.evaluate(MENTION)
    await tab.page.reload()
    await expect(tab.messages).to_have_count(1)
    await expect(tab.pending).to_have_count(0)
