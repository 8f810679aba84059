import { equal, test } from "./harness.js"; // first: in Node.js it provides what the modules need
import { Catalogue, isEmoji } from "../../static/chat/js/text/emoji.js";

const ANSWER = {
  groups: [["Gestures", ["👍"]]],
  names: {
    "🎉": ["party popper", "tada", "party_popper"],
    "🍿": ["popcorn", "popcorn"],
    "👍": ["thumbs up", "+1", "thumbs_up"],
    "🐼": ["熊猫", "大熊猫"],
  },
};

function catalogue(fetch) {
  globalThis.fetch = fetch;
  return new Catalogue("/emoji/");
}

const answering = async () => ({ ok: true, json: async () => ANSWER });

test("one to three emoji, and nothing else, are emoji", () => {
  equal(["👍", "👍🏽 🎉", "👨‍👩‍👧‍👦"].map(isEmoji), [true, true, true]);
  equal(["1", "👍a", "👍👍👍👍", "", "©"].map(isEmoji), [false, false, false, false, false]);
});

test("an exact code comes first, then beginnings, then words; Chinese names match anywhere", async () => {
  const found = async (typed) => (await catalogue(answering).find(typed)).map(({ emoji }) => emoji);
  equal(await found("tada"), ["🎉"]);
  equal(await found("up"), ["👍"]);
  equal(await found("pop"), ["🍿", "🎉"]);
  equal(await found("熊猫"), ["🐼"]);
  equal(await catalogue(answering).named("TADA"), "🎉");
});

test("a failed request is repeated on the next use", async () => {
  let count = 0;
  const emoji = catalogue(() => {
    count += 1;
    return count === 1 ? Promise.reject(new TypeError("offline")) : answering();
  });
  equal(await emoji.named("tada").catch(() => "failed"), "failed");
  equal(await emoji.named("tada"), "🎉");
});
