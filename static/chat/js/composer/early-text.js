/**
 * Early texts: written for a room whose page has not opened or not loaded yet. `localStorage` keeps them by person, room and
 * page. The next page of that person and room takes them (early-input.js, a classic script, which cannot import this).
 */

import { isCount, isText, keysAfter, readJson, unsave } from "../../../base/js/storage.js";

/** The end of a key: sorts by time, if the browser has one at all. */
const ID = /^\d{13}-\d+$/;

/** After this time a text is taken although its page was not closed properly: the browser was killed (milliseconds). */
const OPEN_TIME = 86_400_000;

/** @param {number} at when the page was alive; 0 once it is left */
export function isLeft(at) {
  return !(Date.now() - at < OPEN_TIME);
}

/**
 * @param {number | string} you the person's id, or 0
 * @param {string} room its name, as it was typed
 * @returns {string} a new key
 */
export function newEarlyKey(you, room) {
  return `${prefixOf(`${you}.${room}`)}${String(Date.now()).padStart(13, "0")}-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
}

/** Remove all early texts. @param {string} owner their person and room @returns {string[]} the texts, unsent */
export function takeEarlyTexts(owner) {
  const prefix = prefixOf(owner);
  const keys = keysAfter(prefix, ID).sort().map((rest) => prefix + rest);
  const found = keys.map((key) => ({ key, ...readJson(key, { text: isText, at: isCount }) }));
  const left = found.filter(({ at }) => isLeft(at));
  left.forEach(({ key }) => unsave(key));
  return left.map(({ text }) => text?.trim() ?? "");
}

/** All spellings of a room's name share one prefix, nearly as on the server (`names.key`). */
function prefixOf(owner) {
  const spaced = owner.normalize("NFKC").trim().split(/\s+/).join(" ");
  return `lobby.early.${spaced.toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ").normalize("NFKC")}.`;
}
