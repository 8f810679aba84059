/** `<chat-log>`: the messages of a room as a list, each once and in order; unsent ones come last. */

import { beginsDay, beginsGroup, drawDay, drawMessage, drawNews } from "./message.js";
import { showNote } from "./note.js";

/** @typedef {import("./message.js").Message} Message */
/** @typedef {{number: number, since: Date | null}} News from which message on all is new, and since when if it is known */

export class ChatLog extends HTMLElement {
  /** @type {Map<number, Message>} what is shown, by number; while pages are on their way, all that was heard of */
  #known = new Map();
  /** @type {Map<number | string, HTMLLIElement>} what is shown, by number or, if unsent, client_id */
  #items = new Map();
  /** @type {WeakMap<Element, Message>} */
  #messages = new WeakMap();
  #oldest = Infinity;
  #newest = 0;
  #heard = 0; // the number of the last message that was said
  #awaited = 0;
  /** @type {News | null} where the line above what is new stands */
  #news = null;

  /** The id of the person who reads. */
  reader = 0;

  /** The transcript: each stored message's text on a line, as in the tutorial's text area. */
  get value() {
    const stored = [...this.#list.children].map((item) => this.#messages.get(item));
    return stored
      .filter((message) => message?.number && !message.deleted)
      .map((message) => `${message.message.replaceAll("\n", " ")}\n`)
      .join("");
  }

  /** The number of the oldest message shown, or 0 when there is nothing before it; Infinity before the first page. */
  get oldest() {
    return this.#oldest;
  }

  /** The number of the newest message shown, or Infinity when there is nothing after it; 0 before the first page. */
  get newest() {
    return this.#newest;
  }

  /**
   * Wait for pages of history. What is told meanwhile is kept: it may be news of a message in them.
   * @param {() => Promise<void>} load gets them, and extends this by them
   */
  async whileLoading(load) {
    this.#awaited += 1;
    try {
      await load();
    } finally {
      this.#awaited -= 1;
      if (!this.#awaited) this.#forgetUnless((message) => this.#shows(message));
    }
  }

  /**
   * Let go of what is farthest from an item, at one end; it can be loaded again.
   * @param {number} most how many stored messages are left
   * @param {Element | undefined} item without one it is the end
   */
  trim(most, item) {
    const numbers = this.#numbers.filter((number) => this.#reaches({ number })).sort((one, other) => one - other);
    if (numbers.length <= most) return;
    const place = numbers.indexOf(this.#messages.get(item)?.number);
    if (place < 0 || place > numbers.length / 2) this.#oldest = numbers.at(-most);
    else this.#newest = numbers[most - 1];
    for (const number of numbers) if (!this.#reaches({ number })) this.#remove(number);
    this.#forgetUnless((message) => this.#awaited || this.#shows(message));
  }

  #forgetUnless(isKept) {
    for (const message of this.#known.values()) if (!isKept(message)) this.#known.delete(message.number);
  }

  /**
   * Show a page of history that ends where another begins, or is the first to be shown. What is older than its
   * first message and was shown before, is removed.
   * @param {Message[]} messages the oldest first
   * @param {{isStart?: boolean, isEnd?: boolean}} ends of which it is, and whether nothing comes before, or after
   */
  extend(messages, { isStart, isEnd }) {
    this.setAttribute("aria-busy", "true"); // what was said long ago is not read out as news
    if (isStart !== undefined) this.#oldest = isStart ? 0 : messages[0].number;
    if (isEnd !== undefined) this.#newest = isEnd ? Infinity : messages.at(-1).number;
    for (const number of this.#numbers) if (number < this.#oldest) this.#remove(number);
    for (const message of messages) this.#learn(message);
    for (const message of this.#known.values()) {
      if (this.#reaches(message) && !this.#items.has(message.number)) this.#place(message);
    }
    this.removeAttribute("aria-busy");
  }

  #reaches({ number }) {
    return this.#oldest <= number && number <= this.#newest;
  }

  #shows(message) {
    return this.#reaches(message) || this.#items.has(message.number);
  }

  /**
   * Apply a message as it now is. A message that was unsent here stays, even if the page that it belongs to is not shown.
   * @param {Message} message
   * @returns {boolean} whether it is new: shown and was not before, or just said where nobody looks now
   */
  apply(message) {
    const { number, seq, client_id: clientId } = message;
    const isSaid = number === seq && number > this.#heard;
    const wasUnsent = this.#items.has(clientId);
    if (!this.#learn(message)) return false;
    const shown = this.#items.get(number);
    if (shown) this.#replace(shown, this.#draw(message), message);
    else if (wasUnsent || this.#reaches(message)) this.#place(message);
    return !shown && !wasUnsent && (this.#reaches(message) || (number > this.#newest && isSaid));
  }

  /**
   * Show a message that is not stored yet, as it now is.
   * @param {Message} message
   * @param {Node[]} note what is said under it
   */
  showUnsent(message, note) {
    const item = this.#draw(message);
    showNote(item, ...note);
    const shown = this.#items.get(message.client_id);
    if (shown) return this.#replace(shown, item, message);
    this.#list.append(item);
    this.#enter(item, message);
  }

  /** @param {string} clientId of an unsent message that will not be sent */
  discard(clientId) {
    this.#remove(clientId);
  }

  /** @returns {HTMLLIElement | undefined} the message of that number (or, if unsent, client_id), if it is shown */
  item(key) {
    return this.#items.get(key);
  }

  /** @returns {number | string} with which `item` finds it */
  key(item) {
    const { number, client_id: clientId } = this.#messages.get(item);
    return number ?? clientId;
  }

  /** @returns {Element | null} the first message that reaches below that height of the window (pixels) */
  firstBelow(top) {
    const all = this.#list.children;
    let [from, to] = [0, all.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (all[middle].getBoundingClientRect().bottom > top) to = middle;
      else from = middle + 1;
    }
    const item = all[from] ?? null;
    return item && !this.#messages.has(item) ? this.#neighbour(item, "nextElementSibling") : item;
  }

  /**
   * Draw a line above a message: from there on it is new.
   * @param {News | null} news
   */
  drawNews(news) {
    const moved = [this.#news, news].map((each) => this.#items.get(each?.number));
    this.#news = news;
    for (const item of moved) this.#arrange(item);
  }

  /** Where that line stands. @returns {News | null} */
  get news() {
    return this.#news;
  }

  /** @returns {Message[]} what others have said after that number, as far as it is shown and stands */
  saidAfter(number) {
    const isNews = (message) => message?.number > number && !message.deleted && message.author.id !== this.reader;
    return [...this.#list.children].map((item) => this.#messages.get(item)).filter(isNews);
  }

  /** @returns {Message} what an item shows */
  message(item) {
    return this.#messages.get(item);
  }

  /** @returns {Message | undefined} the last stored message of the reader */
  get lastOwn() {
    const shown = [...this.#list.children].map((item) => this.#messages.get(item));
    return shown.findLast((message) => message?.number && !message.deleted && message.author.id === this.reader);
  }

  /** @returns {{id: number, name: string}[]} whose messages are known, as they were called last; the last to speak first */
  get authors() {
    const newestFirst = [...this.#known.values()].sort((one, other) => other.number - one.number);
    const found = new Map();
    for (const { author } of newestFirst) if (!found.has(author.id)) found.set(author.id, author);
    return [...found.values()];
  }

  /** Forget everything that is stored: it is of another log, or too far away. */
  clear() {
    for (const number of this.#numbers) this.#remove(number);
    this.#known.clear();
    [this.#oldest, this.#newest] = [Infinity, 0];
    this.#heard = 0;
  }

  /** How many stored messages are shown. */
  get size() {
    return this.#numbers.length;
  }

  /** The numbers of the stored messages that are shown. */
  get #numbers() {
    return [...this.#items.keys()].filter(Number.isInteger);
  }

  get #list() {
    return this.querySelector("ol");
  }

  /** Keep what is newer than what is known; it is no longer unsent. @returns {boolean} whether it is newer */
  #learn(message) {
    this.#remove(message.client_id);
    if (this.#known.get(message.number)?.seq >= message.seq) return false;
    this.#heard = Math.max(this.#heard, message.number);
    if (this.#awaited || this.#shows(message)) this.#known.set(message.number, message);
    return true;
  }

  #draw(message) {
    return drawMessage(message, this.reader);
  }

  #place(message) {
    this.#known.set(message.number, message);
    const item = this.#draw(message);
    const before = this.#lastBefore(message.number);
    if (before) before.after(item);
    else this.#list.prepend(item);
    this.#enter(item, message);
  }

  /** Draw a message anew where it stands; whoever is there with the keyboard stays. */
  #replace(shown, item, message) {
    const hasFocus = shown.contains(document.activeElement);
    shown.replaceWith(item);
    this.#enter(item, message);
    if (hasFocus) item.focus({ preventScroll: true });
  }

  /** The last item that is stored and older. Most messages are new, so the search begins at the end. */
  #lastBefore(number) {
    let item = this.#list.lastElementChild;
    while (item && !(this.#messages.get(item)?.number < number)) item = item.previousElementSibling;
    return item;
  }

  #enter(item, message) {
    this.#items.set(message.number ?? message.client_id, item);
    this.#messages.set(item, message);
    this.#arrange(item);
    this.#arrange(this.#neighbour(item, "nextElementSibling"));
  }

  #remove(key) {
    const item = this.#items.get(key);
    if (!item) return;
    const next = this.#neighbour(item, "nextElementSibling");
    this.#removeLines(item);
    item.remove();
    this.#items.delete(key);
    this.#arrange(next);
  }

  /** Give an item the lines above it and its author's head where it needs them. */
  #arrange(item) {
    if (!item) return;
    const message = this.#messages.get(item);
    const previous = this.#messages.get(this.#neighbour(item, "previousElementSibling"));
    const newDay = beginsDay(previous, message);
    const isNews = this.#news !== null && message.number === this.#news.number;
    this.#removeLines(item);
    if (newDay) item.before(drawDay(message));
    if (isNews) item.before(drawNews(this.#news.since));
    item.classList.toggle("message--first", newDay || isNews || beginsGroup(previous, message));
  }

  #removeLines(item) {
    while (item.previousElementSibling?.matches(".day")) item.previousElementSibling.remove();
  }

  /** The message's item that comes next in a direction, across days' lines. */
  #neighbour(item, direction) {
    let other = item[direction];
    while (other && !this.#messages.has(other)) other = other[direction];
    return other;
  }
}

customElements.define("chat-log", ChatLog);
