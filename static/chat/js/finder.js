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
    this.#finish();
    if (input.value !== input.defaultValue) this.#askSoon(); // the browser has kept it
  }

  /** @returns {Promise<HTMLAnchorElement | null>} the first room that is called so, once that is known */
  async first() {
    clearTimeout(this.#timer);
    await this.#ask();
    return this.#list.querySelector("a");
  }

  /** Nothing is looked for any more. */
  clear() {
    if (!this.#input.value) return;
    this.#input.value = "";
    this.#askSoon();
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
