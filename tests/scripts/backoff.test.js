import { equal, test } from "./harness.js";
import { backoff } from "../../static/base/js/backoff.js";

/** The delays after so many failures, with a given random number. */
function delays(random, count) {
  const { random: original } = Math;
  Math.random = () => random;
  const found = Array.from({ length: count }, (_, failures) => backoff(failures, 500, 3000));
  Math.random = original;
  return found;
}

test("the limit doubles with each failure, up to the longest", () => {
  equal(delays(1, 6), [500, 1000, 2000, 3000, 3000, 3000]);
});

test("the delay is any part of the limit", () => {
  equal(delays(0, 3), [0, 0, 0]);
  equal(delays(0.5, 3), [250, 500, 1000]);
});

test("many failures do not overflow", () => equal(delays(1, 2000).at(-1), 3000));
