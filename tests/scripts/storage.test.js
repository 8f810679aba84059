import { equal, test } from "./harness.js"; // first: in Node.js it provides what the modules need
import { isCount, isRemoved, isText, keysAfter, optional } from "../../static/base/js/storage.js";
import { readJson, readText, save, unsave, watchSaving, withStorage } from "../../static/base/js/storage.js";

test("an object of the right shape is read, without other fields", () => {
  localStorage.setItem("k", JSON.stringify({ text: "a", order: 1, other: true }));
  equal(readJson("k", { text: isText, order: optional(isCount) }), { text: "a", order: 1 });
});

test("an object of another shape is removed", () => {
  for (const value of ["{", "null", "[]", '{"text": 1}', '{"text": "a", "order": -1}']) {
    localStorage.setItem("k", value);
    equal(readJson("k", { text: isText, order: optional(isCount) }), null);
    equal(localStorage.getItem("k"), null);
  }
});

test("keys are found by prefix and pattern", () => {
  for (const key of ["a.1", "a.x", "ab.2"]) localStorage.setItem(key, "");
  equal(keysAfter("a.", /^\d$/), ["1"]);
});

test("blocked storage is no error", () => {
  equal(withStorage(() => { throw new Error("blocked"); }), null);
});

test("a saved text is removed once its key is gone, but not because storage is blocked", () => {
  save("k", "text");
  equal(isRemoved("k"), false);
  localStorage.removeItem("k");
  equal(isRemoved("k"), true);
  const working = Object.getOwnPropertyDescriptor(window, "localStorage");
  Object.defineProperty(window, "localStorage", { configurable: true, get() { throw new Error("blocked"); } });
  const isRemovedWhileBlocked = isRemoved("k");
  Object.defineProperty(window, "localStorage", working);
  equal(isRemovedWhileBlocked, false);
});

test("a text that cannot be stored is reported, until it can be or is removed", () => {
  const reports = [];
  watchSaving((isSaved) => reports.push(isSaved));
  save("fits", "a");
  save("long", "x".repeat(40_001));
  equal([reports, localStorage.getItem("long")], [[false], null]);
  equal([readText("long").length, keysAfter("lo", /./)], [40_001, ["ng"]]); // of this page
  save("long", "short");
  equal([reports, localStorage.getItem("long")], [[false, true], "short"]);
  save("long", "x".repeat(40_001));
  unsave("long");
  equal(reports, [false, true, false, true]);
});
