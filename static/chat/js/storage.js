/** What the browser stores for this site. It may be full or forbidden; anything may have written to it. */

/**
 * Do something with the browser's storage; where that fails, memory must do.
 * @param {(storage: Storage) => any} action
 * @param {"localStorage" | "sessionStorage"} [kind] that of all tabs, or this tab's own
 */
export function withStorage(action, kind = "localStorage") {
  try {
    return action(window[kind]);
  } catch {
    return null;
  }
}

/** The longest text that is kept (UTF-16 code units): ten times what can be sent, and a fraction of what a browser stores. */
const LONGEST = 40_000;

/** @type {Map<string, string>} what is to be stored and could not be, by key: only this page has it */
const unsaved = new Map();
let isSaved = true;

/** @type {(isSaved: boolean) => void} */
let onSaved = () => {};

/**
 * Store a text that is not sent yet in `localStorage`.
 * @param {string} key
 * @param {string} text
 */
export function save(key, text) {
  unsaved.set(key, text);
  storeAll();
}

/**
 * Remove what `save` stored. That may make room for others.
 * @param {string} key
 */
export function unsave(key) {
  withStorage((storage) => storage.removeItem(key));
  unsaved.delete(key);
  storeAll();
}

/**
 * Follow whether all that was to be saved is stored. While it is not, the browser asks before the page is left.
 * @param {(isSaved: boolean) => void} listener called on each change
 */
export function watchSaving(listener) {
  onSaved = listener;
  if (!isSaved) listener(false);
}

function storeAll() {
  for (const [key, text] of unsaved) if (isStored(key, text)) unsaved.delete(key);
  if (isSaved === (unsaved.size === 0)) return;
  isSaved = !isSaved;
  if (isSaved) removeEventListener("beforeunload", ask);
  else addEventListener("beforeunload", ask);
  onSaved(isSaved);
}

/** Store a text, unless it is too long. @returns {boolean} whether it is stored */
function isStored(key, text) {
  const store = (storage) => {
    storage.setItem(key, text);
    return true;
  };
  return text.length <= LONGEST && withStorage(store) === true;
}

function ask(event) {
  event.preventDefault();
}

/** @typedef {Record<string, (value: unknown) => boolean>} Shape what each field must be */

export const isText = (value) => typeof value === "string";
export const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
export const isTime = (value) => isText(value) && !Number.isNaN(Date.parse(value));
export const orNothing = (isRight) => (value) => value === undefined || value === null || isRight(value);

/**
 * Read an object that is stored as JSON, without fields that its shape does not have; one of another shape is removed.
 * @param {string} key
 * @param {Shape} shape
 * @param {"localStorage" | "sessionStorage"} [kind]
 * @returns {any} null when there is none
 */
export function readJson(key, shape, kind) {
  const stored = withStorage((storage) => storage.getItem(key), kind);
  const value = stored && parse(stored);
  if (value && Object.entries(shape).every(([name, isRight]) => isRight(value[name]))) return pick(value, Object.keys(shape));
  if (stored !== null) withStorage((storage) => storage.removeItem(key), kind);
  return null;
}

function pick(value, names) {
  return Object.fromEntries(names.map((name) => [name, value[name]]));
}

/**
 * @param {string} prefix
 * @param {RegExp} form
 * @returns {string[]} what follows a prefix in the keys of `localStorage`, where it has that form
 */
export function keysAfter(prefix, form) {
  const keys = withStorage((storage) => Object.keys(storage)) ?? [];
  const rests = keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  return rests.filter((rest) => form.test(rest));
}

function parse(json) {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
