/** Finds rooms as one types: the server, which knows all of them and how they are spelled, draws the list. */

import { clock, writeShortDay } from "../../base/js/clock.js";
import { paintAvatar } from "./avatar.js";

/** How long nobody has typed before it is asked (milliseconds). */
const PAUSE = 100;

export class Finder {
  #input;
  #list;
  #timer = 0;
  #query;
  #asking = new AbortController();

  /**
   * @param {HTMLInputElement} input
   * @param {HTMLElement} list
   * @param {Record<string, string>} [query] what else the server has to know to draw the list
   */
  constructor(input, list, query = {}) {
    this.#input = input;
    this.#list = list;
    this.#query = query;
    input.addEventListener("input", ({ isComposing }) => isComposing || this.#askSoon());
    input.addEventListener("compositionend", () => this.#askSoon());
    for (const each of [input, list]) each.addEventListener("keydown", (event) => this.#moved(event));
    this.#finish();
    if (input.value !== input.defaultValue) this.#askSoon(); // the browser has kept it
  }

  /** Nothing is looked for any more. */
  clear() {
    if (!this.#input.value) return;
    this.#input.value = "";
    this.#askSoon();
  }

  /** The arrow keys choose a room, which Enter then opens. */
  #moved(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.isComposing || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const stops = [this.#input, ...this.#list.querySelectorAll("a")];
    const next = stops[stops.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  #askSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), PAUSE);
  }

  async #ask() {
    this.#asking.abort();
    this.#asking = new AbortController();
    try {
      const query = new URLSearchParams({ asked: this.#input.value, ...this.#query });
      const response = await fetch(`/rooms/?${query}`, { signal: this.#asking.signal });
      if (response.ok) this.#show(await response.text());
    } catch {
      // It is too late, or there is no connection: the list stays as it is.
    }
  }

  /** @param {string} page as the server draws it, with whatever people wrote as text */
  #show(page) {
    const { body } = new DOMParser().parseFromString(page, "text/html");
    this.#list.replaceChildren(...body.childNodes);
    this.#finish();
  }

  /** What only the browser knows: where the reader is, and how people are coloured. */
  #finish() {
    this.#tellTimes();
    for (const avatar of this.#list.querySelectorAll("[data-person]")) {
      paintAvatar(avatar, { id: Number(avatar.dataset.person), name: avatar.textContent });
    }
  }

  /** Of today the time, of other days the day, where the reader is. */
  #tellTimes() {
    const today = new Date().toDateString();
    for (const time of this.#list.querySelectorAll("time")) {
      const at = new Date(time.dateTime);
      time.textContent = at.toDateString() === today ? clock.format(at) : writeShortDay(at);
    }
  }
}
