/**
 * Room search: a combobox. As a person types, the list of all rooms gives way to those that the server finds. The arrow
 * keys mark one of them, and Enter opens it.
 */

import { isOfInputMethod } from "../../../base/js/input-method.js";
import { Retry } from "../../../base/js/retry.js";
import { hasModifier } from "../../../base/js/shortcut-keys.js";
import { formatShortDay, timeFormat } from "../../../base/js/time-format.js";
import { renderAvatar } from "../presence/avatar.js";
import { nameIn, roomAddress } from "../room-address.js";
import { isHeld } from "./star-order.js";
import { typeAhead } from "./type-ahead.js";

/** How often it searches at most (milliseconds). */
const SEARCH_INTERVAL = 100;

/** After this time Enter opens the room of exactly the name that was typed (milliseconds). */
const SEARCH_TIMEOUT = 3000;

/** @typedef {import("./type-ahead.js").Typed} Typed */

export class RoomSearch {
  #input;
  #list;
  #open;
  #timer = 0;
  #searchedAt = -SEARCH_INTERVAL;
  #request = new AbortController();
  #refreshing = new Retry(() => this.#refresh());
  /** @type {string | null} the text whose results are shown */
  #shown = null;
  /** @type {HTMLElement | null} the option that Enter opens */
  #marked = null;
  #isChosen = false; // a person has marked it, or was asked about it
  /** @type {Typed | undefined} what was typed for the room before the question */
  #typed;

  /** Additional parameters of the request. @type {Record<string, string>} */
  query;

  /**
   * @param {HTMLInputElement} input
   * @param {HTMLElement} list
   * @param {Record<string, string>} [query] additional parameters of the request
   * @param {(address: string, typed: Typed) => void} [open] opens a room, with what was typed for it
   */
  constructor(input, list, query = {}, open = (address, typed) => load(input, address, typed)) {
    this.#input = input;
    this.#list = list;
    this.#open = open;
    this.query = query;
    Object.assign(input, { role: "combobox", ariaAutoComplete: "list" });
    input.addEventListener("input", ({ isComposing }) => isComposing || this.#changed());
    input.addEventListener("compositionend", () => this.#changed());
    for (const each of [input, list]) each.addEventListener("keydown", (event) => this.#keyPressed(event));
    this.#shownList();
    if (input.value !== input.defaultValue) this.#searchSoon(); // the browser has restored it
  }

  /** Load the list again, until that succeeds, unless it shows the results of a search. */
  refresh() {
    if (!this.#input.value) this.#searchSoon();
  }

  /** Show all rooms again. */
  clear() {
    this.#typed = undefined;
    if (!this.#input.value) return;
    this.#input.value = "";
    this.#searchSoon();
  }

  /** Open the marked room, once the results are those of what is typed. A new name like that of a room is asked about. */
  async enter() {
    const name = this.#input.value.trim();
    if (!name) return this.#input.focus();
    const ahead = typeAhead(this.#input, name, this.#typed);
    if (!this.#isCurrent) await this.#search();
    if (ahead.signal.aborted) return;
    const typed = ahead.take();
    this.#typed = this.#mustAsk ? typed : undefined;
    if (this.#mustAsk) return this.#ask();
    const marked = this.#isCurrent && this.#marked?.getAttribute("href");
    this.#open(marked || this.#listedAddress(name) || addressOf(name), typed);
  }

  /** The address of a listed private room with a name: without results, no open room is created in its place. */
  #listedAddress(name) {
    const isCalled = ({ dataset }) => dataset.title?.toLowerCase() === name.replace(/\s+/g, " ").toLowerCase();
    return [...this.#list.querySelectorAll("a")].find(isCalled)?.getAttribute("href");
  }

  /** Whether the results are those of what is typed. */
  get #isCurrent() {
    return this.#shown === this.#input.value;
  }

  get #options() {
    return /** @type {HTMLElement[]} */ ([...this.#list.querySelectorAll("[role=option]")]);
  }

  get #similar() {
    return this.#options.find((option) => option.matches(".found-room--similar"));
  }

  get #mustAsk() {
    return this.#isCurrent && !this.#isChosen && this.#similar && this.#marked?.matches(".found-room--new");
  }

  /** Ask about the similar name: the next Enter opens that room, unless the person marks another option. */
  #ask() {
    this.#mark(this.#similar);
    this.#isChosen = true;
    this.#input.focus();
  }

  #keyPressed(event) {
    if (isOfInputMethod(event)) return;
    if (event.key === "Enter" && event.target === this.#input) {
      event.preventDefault();
      return this.enter();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !hasModifier(event)) this.#move(event, step);
  }

  /** Mark the next result; in the list of all rooms, focus the next room. */
  #move(event, step) {
    const options = this.#options;
    if (!options.length) return this.#moveFocus(event, step);
    event.preventDefault();
    this.#mark(options.at((options.indexOf(this.#marked) + step) % options.length));
    this.#isChosen = true;
  }

  #moveFocus(event, step) {
    const stops = [this.#input, ...this.#list.querySelectorAll("a")];
    const next = stops[stops.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  /** @param {HTMLElement} [option] @param {HTMLElement} [seen] the option that is scrolled into view */
  #mark(option, seen = option) {
    this.#marked?.setAttribute("aria-selected", "false");
    this.#marked = option ?? null;
    option?.setAttribute("aria-selected", "true");
    seen?.scrollIntoView({ block: "nearest" });
    this.#input.setAttribute("aria-activedescendant", option?.id ?? "");
  }

  #changed() {
    this.#isChosen = false;
    this.#searchSoon();
  }

  #searchSoon() {
    clearTimeout(this.#timer);
    const wait = Math.max(0, this.#searchedAt + SEARCH_INTERVAL - performance.now());
    this.#timer = setTimeout(() => (this.#input.value ? this.#search() : this.#refreshing.run()), wait);
  }

  async #refresh() {
    if (!this.#input.value && !(await this.#search())) throw new Error(); // so `Retry` runs it again
  }

  /** @returns {Promise<boolean>} whether the list shows the results, or a later search has replaced this one */
  async #search() {
    clearTimeout(this.#timer);
    this.#searchedAt = performance.now();
    this.#request.abort();
    this.#request = new AbortController();
    const asked = this.#input.value;
    const { signal: latest } = this.#request;
    const signal = AbortSignal.any([latest, AbortSignal.timeout(SEARCH_TIMEOUT)]);
    try {
      const response = await fetch(`/rooms/?${new URLSearchParams({ asked, ...this.query })}`, { signal });
      if (!response.ok) throw new Error(response.statusText);
      const list = parse(await response.text()).body;
      while (isHeld(this.#list)) await pause(SEARCH_INTERVAL);
      if (latest.aborted) return true;
      this.#show(list);
      this.#shown = asked;
      return true;
    } catch {
      return latest.aborted; // otherwise it is offline: keep the list
    }
  }

  /** Show all rooms, as they came with a page. @param {Element} list */
  reset(list) {
    clearTimeout(this.#timer);
    this.#request.abort();
    this.#input.value = "";
    this.#shown = "";
    this.#show(list);
  }

  /** Show a list, and keep the focus on its room. @param {Element} list rendered by the server, with texts escaped */
  #show(list) {
    const focused = this.#list.contains(document.activeElement) ? document.activeElement : null;
    this.#list.replaceChildren(...document.importNode(list, true).childNodes);
    this.#shownList();
    if (focused) this.#restoreFocus(focused);
  }

  /** @param {Element} focused in the list before: the link of a room, or the button behind it */
  #restoreFocus(focused) {
    const address = (focused.closest("a") ?? focused.previousElementSibling)?.getAttribute("href");
    const link = [...this.#list.querySelectorAll("a")].find((each) => each.getAttribute("href") === address);
    if (!link || focused.matches("a")) return (link ?? this.#input).focus();
    queueMicrotask(() => /** @type {HTMLElement} */ (link.nextElementSibling ?? link).focus()); // sidebar-menu.js adds it
  }

  /** The list is new: connect its options with the field, and mark what has the typed name: a room, or else "Create". */
  #shownList() {
    this.#localize();
    const options = this.#options;
    options.forEach((option, index) => (option.id = `${this.#input.id}-option-${index}`));
    this.#input.ariaExpanded = String(options.length > 0);
    const listbox = this.#list.querySelector("[role=listbox]");
    if (listbox) listbox.id = `${this.#input.id}-list`;
    this.#input.setAttribute("aria-controls", (listbox ?? this.#list).id);
    const chosen = this.#isChosen && options.find((option) => option.getAttribute("href") === this.#marked.getAttribute("href"));
    this.#marked = null;
    this.#isChosen = Boolean(chosen); // it was marked before these results came
    if (chosen) return this.#mark(chosen);
    const first = (selector) => options.find((option) => option.matches(selector));
    const marked = first("[data-exact]") ?? first(".found-room--new") ?? first(":not(.found-room--similar)");
    this.#mark(marked, options[0]); // "Create" stays in view by itself
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

/** The address of a room. For a name that URLs cannot contain (lone surrogates, `..`) the index, which shows the error. */
function addressOf(name) {
  if (/^\.\.?$|\p{Surrogate}/u.test(name)) return `/chat/?${new URLSearchParams({ room: name })}`;
  return roomAddress(name);
}

function pause(time) {
  return new Promise((resolve) => setTimeout(resolve, time));
}

/** Load a room's page. @param {HTMLInputElement} input takes no input meanwhile @param {string} address @param {Typed} typed */
function load(input, address, typed) {
  typeAhead(input, nameIn(address), typed);
  location.assign(address);
}

/** @param {string} page */
function parse(page) {
  return new DOMParser().parseFromString(page, "text/html");
}
