/**
 * Type-ahead: what a person types after Enter has opened a room belongs into the room's composer, and not into the field
 * in which they have typed the room's name. If a whole page is loaded, the tab's storage passes it on to early-input.js.
 */

import { withStorage } from "../../../base/js/storage.js";

/** After this time the field takes input again: the room has not opened (milliseconds). */
const OPEN_TIMEOUT = 10_000;

/** @typedef {{text: string, enters: number[]}} Typed text, and the offsets after which Enter was pressed */

/**
 * Buffer what is typed, until the room's page replaces this one or the text is taken.
 * @param {HTMLInputElement} input no longer takes input
 * @param {Typed} [before] typed for the room before
 * @returns {{take: () => Typed, signal: AbortSignal}} `take` ends the buffer, and returns what was typed; `signal` is
 *   aborted when the buffer has ended
 */
export function typeAhead(input, before) {
  let text = before?.text ?? "";
  const enters = [...(before?.enters ?? [])]; // as in early-input.js
  const end = new AbortController();
  const { signal } = end;
  const listen = (type, listener) => addEventListener(type, listener, { capture: true, signal });
  input.readOnly = true;
  signal.addEventListener("abort", () => (input.readOnly = false));
  setTimeout(() => end.abort(), OPEN_TIMEOUT);
  listen("pageshow", () => end.abort());
  listen("submit", (event) => event.preventDefault());
  listen("keydown", (event) => {
    const { key } = event;
    if (key === "Escape") return end.abort();
    if ((event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph")) return;
    if (key === "Backspace") text = text.slice(0, -1);
    else if ([...key].length === 1) text += key;
    else if (key !== "Enter") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (key !== "Enter" || !text.slice(enters.at(-1) ?? 0).trim()) return;
    text += "\n";
    enters.push(text.length);
  });
  listen("pagehide", () => {
    const value = JSON.stringify({ text, enters, at: Date.now() });
    if (text) withStorage((storage) => storage.setItem("lobby.ahead", value), "sessionStorage");
    end.abort();
  });
  const take = () => {
    const typed = { text, enters };
    end.abort();
    return typed;
  };
  return { take, signal };
}
