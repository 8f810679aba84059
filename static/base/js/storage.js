/** Guarded access to the browser's storage: it may be blocked or full, and its values may have been written by anything. */

/**
 * Use the browser's storage; return null if it is blocked or full.
 * @param {(storage: Storage) => any} action
 * @param {"localStorage" | "sessionStorage"} [kind] shared by all tabs, or this tab's own
 */
export function withStorage(action, kind = "localStorage") {
  try {
    return action(window[kind]);
  } catch {
    return null;
  }
}

/** The longest text that is stored (UTF-16 code units): ten times a message, and a fraction of a browser's quota. */
const MAX_LENGTH = 40_000;

/** @type {Map<string, string>} texts that could not be stored, by key: only this page has them */
const unsaved = new Map();
let isSaved = true;

/** @type {(isSaved: boolean) => void} */
let onSavedChange = () => {};

/**
 * Store an unsent text in `localStorage`, as soon as there is room.
 * @param {string} key
 * @param {string} text
 */
export function save(key, text) {
  unsaved.set(key, text);
  storeAll();
}

/**
 * Remove a text that `save` stored. That may make room for others.
 * @param {string} key
 */
export function unsave(key) {
  withStorage((storage) => storage.removeItem(key));
  unsaved.delete(key);
  storeAll();
}

/**
 * Observe whether all saved texts are stored. While some are not, the browser asks before the page is left.
 * @param {(isSaved: boolean) => void} listener called on each change
 */
export function watchSaving(listener) {
  onSavedChange = listener;
  if (!isSaved) listener(false);
}

/** Whether a text that was saved has been removed, as by another tab. @param {string} key */
export function isRemoved(key) {
  return !unsaved.has(key) && withStorage((storage) => storage.getItem(key) === null) === true;
}

/** Read a text that was saved, even if it could not be stored. @param {string} key @returns {string | null} */
export function readText(key) {
  return unsaved.get(key) ?? withStorage((storage) => storage.getItem(key));
}

function storeAll() {
  for (const [key, text] of unsaved) if (store(key, text)) unsaved.delete(key);
  if (isSaved === (unsaved.size === 0)) return;
  isSaved = !isSaved;
  if (isSaved) removeEventListener("beforeunload", confirmLeaving);
  else addEventListener("beforeunload", confirmLeaving);
  onSavedChange(isSaved);
}

/** Store a text, unless it is too long. @returns {boolean} whether it is stored */
function store(key, text) {
  const write = (storage) => {
    storage.setItem(key, text);
    return true;
  };
  return text.length <= MAX_LENGTH && withStorage(write) === true;
}

function confirmLeaving(event) {
  event.preventDefault();
}

/** @typedef {Record<string, (value: unknown) => boolean>} Shape a validator for each field */

export const isText = (value) => typeof value === "string";
export const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
export const isTime = (value) => isText(value) && !Number.isNaN(Date.parse(value));
export const isAnything = () => true; // for fields that are checked where they are used
export const optional = (isValid) => (value) => value === undefined || value === null || isValid(value);

/**
 * Read an object that is stored as JSON, with the fields of its shape only. An object of another shape is removed.
 * @param {string} key
 * @param {Shape} shape
 * @param {"localStorage" | "sessionStorage"} [kind]
 * @returns {any} null if there is none
 */
export function readJson(key, shape, kind) {
  const stored = kind === "sessionStorage" ? withStorage((storage) => storage.getItem(key), kind) : readText(key);
  const value = stored && parseJson(stored);
  const hasShape = value && Object.entries(shape).every(([name, isValid]) => isValid(value[name]));
  if (hasShape) return pick(value, Object.keys(shape));
  if (stored !== null) withStorage((storage) => storage.removeItem(key), kind);
  return null;
}

function pick(value, names) {
  return Object.fromEntries(names.map((name) => [name, value[name]]));
}

/**
 * @param {string} prefix
 * @param {RegExp} pattern
 * @returns {string[]} the keys of saved texts that have a prefix, without it, if they match a pattern
 */
export function keysAfter(prefix, pattern) {
  const keys = new Set([...(withStorage((storage) => Object.keys(storage)) ?? []), ...unsaved.keys()]);
  const rests = [...keys].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  return rests.filter((rest) => pattern.test(rest));
}

/** @param {string} json @returns {any} null if it is invalid */
export function parseJson(json) {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
