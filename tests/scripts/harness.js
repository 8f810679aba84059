/**
 * Test harness for modules of static/: the same test files run in Node.js (`node --test tests/scripts/`) and in a browser
 * (`run()`, see tests/browser/test_scripts.py). In Node.js it provides the little of a browser that the modules need.
 */

const isNode = typeof process === "object";

/** @type {Map<string, () => void | Promise<void>>} */
const tests = new Map();

/** Web Storage: its keys are own properties, as in a browser. */
class FakeStorage {
  getItem(key) {
    return Object.hasOwn(this, key) ? this[key] : null;
  }

  setItem(key, value) {
    this[key] = String(value);
  }

  removeItem(key) {
    delete this[key];
  }

  clear() {
    for (const key of Object.keys(this)) delete this[key];
  }
}

class FakeObserver {
  observe() {}
}

if (isNode) {
  const events = new EventTarget();
  Object.assign(globalThis, {
    window: globalThis,
    document: { documentElement: { lang: "en" }, querySelector: () => null, addEventListener: () => {} },
    localStorage: new FakeStorage(),
    sessionStorage: new FakeStorage(),
    addEventListener: events.addEventListener.bind(events),
    removeEventListener: events.removeEventListener.bind(events),
    dispatchEvent: events.dispatchEvent.bind(events),
    ResizeObserver: FakeObserver,
  });
}

const nodeTest = isNode && (await import("node:test")).test;

/** @param {string} name @param {() => void | Promise<void>} run */
export function test(name, run) {
  const runIsolated = () => {
    localStorage.clear();
    return run();
  };
  if (nodeTest) nodeTest(name, runIsolated);
  else tests.set(name, runIsolated);
}

/** Assert that two values are equal as JSON. */
export function equal(actual, expected) {
  const [one, other] = [actual, expected].map((value) => JSON.stringify(value) ?? "undefined");
  if (one !== other) throw new Error(`${one} is not ${other}`);
}

/** Another tab changes the storage. @param {string | null} newValue null removes the key */
export function changeInOtherTab(key, newValue) {
  const oldValue = localStorage.getItem(key);
  if (newValue === null) localStorage.removeItem(key);
  else localStorage.setItem(key, newValue);
  dispatchEvent(Object.assign(new Event("storage"), { key, oldValue, newValue }));
}

/** Run all tests that were defined, in a browser. @returns {Promise<Record<string, string | null>>} errors by name */
globalThis.run = async () => {
  const results = {};
  for (const [name, each] of tests) {
    results[name] = await Promise.resolve()
      .then(each)
      .then(() => null, (error) => String(error.stack));
  }
  return results;
};
