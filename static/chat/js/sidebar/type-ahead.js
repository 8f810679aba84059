/**
 * Type-ahead: what a person types after Enter has opened a room belongs into that room's composer, and not into the field
 * of the page that is being left. The browser's storage keeps it until the room's page takes it (early-input.js).
 */

import { hasCommandModifier } from "../../../base/js/shortcut-keys.js";
import { withStorage } from "../../../base/js/storage.js";
import { newEarlyKey } from "../composer/early-text.js";

/** After this time the field takes input again: the room has not opened (milliseconds). */
const OPEN_TIMEOUT = 10_000;

/** @typedef {{text: string, enters: number[]}} Typed text, and the offsets after which Enter was pressed */

/**
 * Buffer what is typed, until the room's page replaces this one or the text is taken.
 * @param {HTMLInputElement} input takes no more input
 * @param {string} room its name, as it was typed
 * @param {Typed} [before] typed for it before
 * @returns {{take: () => Typed, end: () => void, signal: AbortSignal}} `take` and `end` end the buffer: return what was typed,
 *   or leave it to the room's page. `signal` is aborted when the buffer has ended.
 */
export function typeAhead(input, room, before) {
  const { you } = document.getElementById("rooms").dataset;
  const kind = you ? "localStorage" : "sessionStorage"; // a new visitor becomes a guest in the room
  const key = newEarlyKey(you ?? 0, room);
  let text = before?.text ?? "";
  const enters = [...(before?.enters ?? [])]; // offsets after which Enter was pressed, as in early-input.js
  const store = (at) => {
    const value = JSON.stringify({ text, enters, at });
    withStorage((storage) => (text ? storage.setItem(key, value) : storage.removeItem(key)), kind);
  };
  const end = new AbortController();
  const { signal } = end;
  const listen = (type, listener) => addEventListener(type, listener, { capture: true, signal });
  input.readOnly = true;
  if (text) store(Date.now());
  signal.addEventListener("abort", () => {
    input.readOnly = false;
    store(0);
  });
  setTimeout(() => end.abort(), OPEN_TIMEOUT);
  listen("pageshow", () => end.abort());
  listen("pagehide", () => end.abort());
  listen("submit", (event) => event.preventDefault());
  listen("focusin", ({ target }) => target !== input && target.matches("input, textarea") && end.abort());
  listen("keydown", (event) => {
    const { key } = event;
    if (key === "Escape") {
      text = "";
      return end.abort();
    }
    if (key.toLowerCase() === "k" && hasCommandModifier(event)) return end.abort(); // another room is looked for
    if ((event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph")) return;
    if (key === "Backspace") text = text.slice(0, -1);
    else if ([...key].length === 1) text += key;
    else if (key !== "Enter") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (key === "Enter" && text.slice(enters.at(-1) ?? 0).trim()) {
      text += "\n";
      if (!event.shiftKey) enters.push(text.length);
    }
    store(Date.now());
  });
  const take = () => {
    const typed = { text, enters };
    text = "";
    end.abort();
    return typed;
  };
  return { take, end: () => end.abort(), signal };
}
