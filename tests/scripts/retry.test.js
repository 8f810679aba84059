import { equal, test } from "./harness.js"; // first: in Node.js it provides what the modules need
import { Retry } from "../../static/base/js/retry.js";

/** Run an action with these outcomes, until the last one. @returns {Promise<number>} how often it ran */
function runUntilDone(...outcomes) {
  const { random } = Math;
  Math.random = () => 0.001; // of the longest delay
  let count = 0;
  return new Promise((resolve) => {
    const retry = new Retry(async () => {
      const outcome = outcomes[count++];
      if (outcome === "wanted again") retry.run();
      if (outcome instanceof Error) throw outcome;
      if (count >= outcomes.length) setTimeout(() => resolve(count), 50);
      return outcome;
    });
    retry.run();
  }).finally(() => (Math.random = random));
}

test("an action that succeeds runs once", async () => equal(await runUntilDone(undefined), 1));

test("an action that fails, or asks for it, runs again", async () => {
  equal(await runUntilDone(new Error("no network"), 0, 10, null), 4);
});

test("an action that is wanted while it runs runs once more", async () => {
  equal(await runUntilDone("wanted again", undefined), 2);
});
