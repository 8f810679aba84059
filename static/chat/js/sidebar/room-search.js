/** Room search: filters a list of rooms as the person types. The server searches, and renders the list. */

import { formatShortDay, timeFormat } from "../../../base/js/time-format.js";
import { renderAvatar } from "../presence/avatar.js";

/** Debounce of the search (milliseconds). */
const DEBOUNCE = 100;

export class RoomSearch {
  #input;
  #list;
  #timer = 0;

  /** Additional parameters of the request. @type {Record<string, string>} */
  query;

  #request = new AbortController();

  /**
   * @param {HTMLInputElement} input
   * @param {HTMLElement} list
   * @param {Record<string, string>} [query] additional parameters of the request
   */
  constructor(input, list, query = {}) {
    this.#input = input;
    this.#list = list;
    this.query = query;
    input.addEventListener("input", ({ isComposing }) => isComposing || this.#searchSoon());
    input.addEventListener("compositionend", () => this.#searchSoon());
    for (const each of [input, list]) each.addEventListener("keydown", (event) => this.#keyPressed(event));
    this.#localize();
    if (input.value !== input.defaultValue) this.#searchSoon(); // the browser has restored it
  }

  /** Load the list again, unless it shows the results of a search. */
  refresh() {
    if (!this.#input.value) this.#searchSoon();
  }

  /** Show all rooms again. */
  clear() {
    if (!this.#input.value) return;
    this.#input.value = "";
    this.#searchSoon();
  }

  /** Move the focus with the arrow keys. Enter opens the focused room. */
  #keyPressed(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.isComposing || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const stops = [this.#input, ...this.#list.querySelectorAll("a")];
    const next = stops[stops.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  #searchSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#search(), DEBOUNCE);
  }

  async #search() {
    this.#request.abort();
    this.#request = new AbortController();
    try {
      const query = new URLSearchParams({ asked: this.#input.value, ...this.query });
      const response = await fetch(`/rooms/?${query}`, { signal: this.#request.signal });
      if (response.ok) this.#show(parse(await response.text()).body);
    } catch {
      // Superseded by a later search, or offline: keep the list.
    }
  }

  /** Show all rooms, as they came with a page. @param {Element} list */
  reset(list) {
    clearTimeout(this.#timer);
    this.#request.abort();
    this.#input.value = "";
    this.#show(list);
  }

  /** Show a list, and keep the focus on its room. @param {Element} list rendered by the server, with texts escaped */
  #show(list) {
    const focused = this.#list.contains(document.activeElement) && document.activeElement.getAttribute("href");
    this.#list.replaceChildren(...document.importNode(list, true).childNodes);
    this.#localize();
    if (!focused) return;
    const links = [...this.#list.querySelectorAll("a")];
    (links.find((link) => link.getAttribute("href") === focused) ?? this.#input).focus();
  }

  /** Fill in what only the browser knows: local times, and avatars. */
  #localize() {
    this.#localizeTimes();
    for (const avatar of this.#list.querySelectorAll("[data-person]")) {
      renderAvatar(avatar, { id: Number(avatar.dataset.person), name: avatar.textContent });
    }
  }

  /** Show the time of today's messages, and the day of others, in the local time zone. */
  #localizeTimes() {
    const today = new Date().toDateString();
    for (const time of this.#list.querySelectorAll("time")) {
      const at = new Date(time.dateTime);
      time.textContent = at.toDateString() === today ? timeFormat.format(at) : formatShortDay(at);
    }
  }
}

/** @param {string} page */
function parse(page) {
  return new DOMParser().parseFromString(page, "text/html");
}
