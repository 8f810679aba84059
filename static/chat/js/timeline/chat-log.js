/** `<chat-log>`: the list of a room's messages, each once and in order. Unsent messages are last. */

import { formatRecentDay } from "../../../base/js/time-format.js";
import { beginsDay, beginsGroup, hasText, hideIgnored, offerActions, renderDayLine, renderMessage, renderNewLine, showAuthor } from "./message-element.js";
import { isUnfolded, setUnfolded } from "./folding.js";
import { showFooter } from "./message-footer.js";
import { JoinedPeople } from "./room-event.js";

/** @typedef {import("./message-element.js").Message} Message */
/** @typedef {{number: number, since: Date | null}} NewLine the first new message, and the time since when, if known */

export class ChatLog extends HTMLElement {
  /** @type {Map<number, Message>} the messages shown, by number; while pages are being loaded, all messages received */
  #known = new Map();
  /** @type {Map<number | string, HTMLLIElement>} the items shown, by number or, if unsent, by client_id */
  #items = new Map();
  /** @type {WeakMap<Element, Message>} */
  #messages = new WeakMap();
  #joinedPeople = new JoinedPeople((item) => this.#messages.get(item));
  #oldest = Infinity;
  #newest = 0;
  #lastReceived = 0; // the highest number received
  #obsoleteUpTo = 0; // the seq of the last reset
  #loading = 0; // pages
  /** @type {NewLine | null} */
  #newLine = null;
  /** @type {number | null} the number of the message that is being edited */
  #edited = null;

  /** @type {Map<number, string>} people's present names, as far as they are known */
  #names = new Map();

  /** The id of this page's person. */
  reader = 0;

  /** @type {import("./message-element.js").Rights} */
  #rights = { moderates: false, canWrite: true };

  /** The people whom this page's person ignores. @type {Set<number>} */
  ignored = new Set();

  /** What this page's person may do in the room. */
  get rights() {
    return this.#rights;
  }

  set rights(rights) {
    const { moderates, canWrite } = this.#rights;
    if (moderates === rights.moderates && canWrite === rights.canWrite) return;
    this.#rights = rights;
    for (const item of this.#list.children) {
      const message = this.#messages.get(item);
      if (message) offerActions(item, message, this.reader, rights); // none for a line between messages
    }
  }

  /** The text of each stored message on a line, as in the tutorial's text area. */
  get value() {
    const stored = [...this.#list.children].map((item) => this.#messages.get(item));
    return stored
      .filter((message) => message?.number && hasText(message))
      .map((message) => `${message.message.replaceAll("\n", " ")}\n`)
      .join("");
  }

  /** The number of the oldest message shown, or 0 if it is the room's first; Infinity before the first page. */
  get oldest() {
    return this.#oldest;
  }

  /** The number of the newest message shown, or Infinity if it is the room's last; 0 before the first page. */
  get newest() {
    return this.#newest;
  }

  /**
   * Load pages of history. Meanwhile all received messages are remembered: they may be newer states of messages in them.
   * @param {() => Promise<void>} load fetches the pages, and calls `extend`
   */
  async whileLoading(load) {
    this.#loading += 1;
    try {
      await load();
    } finally {
      this.#loading -= 1;
      if (!this.#loading) this.#forgetUnless((message) => this.#shows(message));
    }
  }

  /**
   * Remove the messages that are farthest from an item, at one end. They can be loaded again.
   * @param {number} max how many stored messages remain
   * @param {Element | undefined} item without one, the end of the log
   */
  trim(max, item) {
    const numbers = this.#numbers.filter((number) => this.#inRange({ number })).sort((one, other) => one - other);
    if (numbers.length <= max) return;
    const index = numbers.indexOf(this.#messages.get(item)?.number);
    if (index < 0 || index > numbers.length / 2) this.#oldest = numbers.at(-max);
    else this.#newest = numbers[max - 1];
    for (const number of numbers) if (!this.#inRange({ number })) this.#remove(number);
    this.#forgetUnless((message) => this.#loading || this.#shows(message));
  }

  #forgetUnless(isNeeded) {
    for (const message of this.#known.values()) if (!isNeeded(message)) this.#known.delete(message.number);
  }

  /**
   * Show a page of history that adjoins the range shown, or is the first one. Messages that are shown and older than the
   * new range are removed.
   * @param {Message[]} messages oldest first
   * @param {{isStart?: boolean, isEnd?: boolean}} ends which of its ends extends the range, and whether that is the room's
   *   first or last message
   */
  extend(messages, { isStart, isEnd }) {
    this.setAttribute("aria-busy", "true"); // screen readers do not read history out
    if (isStart !== undefined) this.#oldest = isStart ? 0 : messages[0].number;
    if (isEnd !== undefined) this.#newest = isEnd ? Infinity : messages.at(-1).number;
    for (const number of this.#numbers) if (number < this.#oldest) this.#remove(number);
    for (const message of messages) this.#remember(message);
    for (const message of this.#known.values()) {
      if (this.#inRange(message) && !this.#items.has(message.number)) this.#insert(message);
    }
    this.removeAttribute("aria-busy");
  }

  /** Later messages are missing, and states up to a seq may be obsolete: show no more until `replace`. @param {number} seq */
  detachEnd(seq) {
    this.#obsoleteUpTo = seq;
    this.#newest = Math.max(0, ...this.#numbers.filter((number) => this.#inRange({ number })));
  }

  /** Show a page of history instead of all stored messages. See `extend`. */
  replace(messages, ends) {
    for (const number of this.#numbers) this.#remove(number);
    this.#forgetUnless(({ seq }) => seq > this.#obsoleteUpTo); // or a lost state would outlive the stored one, by its higher seq
    this.extend(messages, ends);
  }

  #inRange({ number }) {
    return this.#oldest <= number && number <= this.#newest;
  }

  #shows(message) {
    return this.#inRange(message) || this.#items.has(message.number);
  }

  /**
   * Show a message in its current state. A message that was unsent in this tab stays shown, even outside of the range.
   * @param {Message} message
   * @returns {boolean} whether it is new: shown for the first time, or just sent and after the range
   */
  apply(message) {
    const { number, seq, client_id: clientId } = message;
    const isJustSent = number === seq && number > this.#lastReceived;
    const wasUnsent = this.#items.has(clientId);
    if (!this.#remember(message)) return false;
    const shown = this.#items.get(number);
    if (shown) this.#replace(shown, this.#render(message), message);
    else if (wasUnsent || this.#inRange(message)) this.#insert(message);
    return !shown && !wasUnsent && (this.#inRange(message) || (number > this.#newest && isJustSent));
  }

  /**
   * Show a message that is not stored yet.
   * @param {Message} message
   * @param {Node[]} footer
   */
  showUnsent(message, footer) {
    const item = this.#render(message);
    showFooter(item, ...footer);
    const shown = this.#items.get(message.client_id);
    if (shown) return this.#replace(shown, item, message);
    this.#list.append(item);
    this.#register(item, message);
  }

  /** @param {string} clientId of an unsent message that will not be sent */
  discard(clientId) {
    this.#remove(clientId);
  }

  /** @returns {HTMLLIElement | undefined} the item of a number or, if unsent, of a client_id */
  item(key) {
    return this.#items.get(key);
  }

  /** @returns {number | string} the key by which `item` finds this item */
  key(item) {
    const { number, client_id: clientId } = this.#messages.get(item);
    return number ?? clientId;
  }

  /** @returns {Element | null} the first message whose end is below a height of the window (pixels) */
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

  /** Show the line above the first new message, or remove it. @param {NewLine | null} line */
  showNewLine(line) {
    const moved = [this.#newLine, line].map((each) => this.#items.get(each?.number));
    this.#newLine = line;
    for (const item of moved) this.#updateLines(item);
  }

  /** @returns {NewLine | null} the line above the first new message */
  get newLine() {
    return this.#newLine;
  }

  /** Mark the message that is being edited, and no other one. @param {number | null} number */
  markEdited(number) {
    this.#items.get(this.#edited)?.classList.remove("message--editing");
    this.#items.get(number)?.classList.add("message--editing");
    this.#edited = number;
  }

  /** Another day has begun: update the lines above days. */
  refreshDays() {
    for (const line of this.#list.querySelectorAll(".day:not(.day--new)")) {
      line.textContent = formatRecentDay(new Date(this.#messages.get(this.#neighbour(line, "nextElementSibling")).at));
    }
  }

  /** @returns {Message[]} the messages of others after a number that are shown and not deleted, without the room's events */
  othersAfter(number) {
    const isNew = (message) => message?.number > number && hasText(message) && message.author.id !== this.reader;
    return [...this.#list.children].map((item) => this.#messages.get(item)).filter(isNew);
  }

  /** @returns {Message} the message of an item */
  message(item) {
    return this.#messages.get(item);
  }

  /** @returns {Message | undefined} the person's last stored message */
  get lastOwn() {
    const shown = [...this.#list.children].map((item) => this.#messages.get(item));
    return shown.findLast((message) => message?.number && hasText(message) && message.author.id === this.reader);
  }

  /** @returns {Message[]} the stored messages shown, oldest first */
  get stored() {
    const shown = [...this.#known.values()].filter((message) => this.#inRange(message));
    return shown.sort((one, other) => one.number - other.number);
  }

  /** @returns {{id: number, name: string}[]} the authors with their latest names, the last to write first */
  get authors() {
    const newestFirst = [...this.#known.values()].sort((one, other) => other.number - one.number);
    const found = new Map();
    for (const { author } of newestFirst) if (!found.has(author.id)) found.set(author.id, this.#withName(author));
    return [...found.values()];
  }

  /**
   * Show people's present names, also with messages that they sent under other names.
   * @param {{id: number, name: string}[]} people
   */
  rename(people) {
    const renamed = new Map(people.map(({ id, name }) => [id, name]).filter(([id, name]) => this.#names.get(id) !== name));
    for (const [id, name] of renamed) this.#names.set(id, name);
    for (const item of renamed.size ? this.#items.values() : []) {
      const { author } = this.#messages.get(item);
      if (!renamed.has(author.id)) continue;
      showAuthor(item, author, renamed.get(author.id));
      this.#updateLines(item);
      this.#updateLines(this.#neighbour(item, "nextElementSibling"));
    }
  }

  #withName(author) {
    return { ...author, name: this.#names.get(author.id) ?? author.name };
  }

  /** Remove all stored messages: they belong to another log, or there is a gap after them. */
  clear() {
    for (const number of this.#numbers) this.#remove(number);
    this.#known.clear();
    [this.#oldest, this.#newest] = [Infinity, 0];
    [this.#lastReceived, this.#obsoleteUpTo] = [0, 0];
  }

  /** The highest number received. */
  get lastReceived() {
    return this.#lastReceived;
  }

  /** The count of stored messages shown. */
  get size() {
    return this.#numbers.length;
  }

  /** The numbers of the stored messages shown. */
  get #numbers() {
    return [...this.#items.keys()].filter(Number.isInteger);
  }

  get #list() {
    return this.querySelector("ol");
  }

  /** Remember a stored message, which is no longer unsent. @returns {boolean} whether its state is new */
  #remember(message) {
    this.#remove(message.client_id);
    if (this.#known.get(message.number)?.seq >= message.seq) return false;
    this.#lastReceived = Math.max(this.#lastReceived, message.number);
    if (this.#loading || this.#shows(message)) this.#known.set(message.number, message);
    return true;
  }

  #render(message) {
    const item = renderMessage(message, this.reader, this.#rights, this.#names.get(message.author.id));
    if (this.ignored.has(message.author.id) && hasText(message)) hideIgnored(item);
    return item;
  }

  #insert(message) {
    this.#known.set(message.number, message);
    const item = this.#render(message);
    const before = this.#lastBefore(message.number);
    if (before) before.after(item);
    else this.#list.prepend(item);
    this.#register(item, message);
  }

  /** Replace the item of a message, and keep the focus in it. */
  #replace(shown, item, message) {
    const hasFocus = shown.contains(document.activeElement);
    if (isUnfolded(shown) && item.matches(".message--long")) setUnfolded(item, true);
    shown.replaceWith(item);
    this.#register(item, message);
    if (hasFocus) item.focus({ preventScroll: true });
  }

  /** The last item of an older stored message. Most messages are new, so the search begins at the end. */
  #lastBefore(number) {
    let item = this.#list.lastElementChild;
    while (item && !(this.#messages.get(item)?.number < number)) item = item.previousElementSibling;
    return item;
  }

  #register(item, message) {
    this.#items.set(message.number ?? message.client_id, item);
    this.#messages.set(item, message);
    item.classList.toggle("message--editing", message.number === this.#edited);
    this.#updateLines(item);
    this.#updateLines(this.#neighbour(item, "nextElementSibling"));
  }

  #remove(key) {
    const item = this.#items.get(key);
    if (!item) return;
    const next = this.#neighbour(item, "nextElementSibling");
    this.#removeLines(item);
    const previous = item.previousElementSibling;
    item.remove();
    this.#items.delete(key);
    this.#updateLines(next);
    this.#joinedPeople.update(previous);
  }

  /** Update the lines above an item, and whether it begins a group. */
  #updateLines(item) {
    if (!item) return;
    const message = this.#messages.get(item);
    const previous = this.#messages.get(this.#neighbour(item, "previousElementSibling"));
    const newDay = beginsDay(previous, message);
    const isFirstNew = this.#newLine !== null && message.number === this.#newLine.number;
    this.#removeLines(item);
    if (newDay) item.before(renderDayLine(message));
    if (isFirstNew) item.before(renderNewLine(this.#newLine.since));
    item.classList.toggle("message--first", !message.event && (newDay || isFirstNew || this.#beginsGroup(previous, message)));
    this.#joinedPeople.update(item);
  }

  #beginsGroup(...messages) {
    const [previous, message] = messages.map((each) => each && { ...each, author: this.#withName(each.author) });
    return beginsGroup(previous, message);
  }

  #removeLines(item) {
    while (item.previousElementSibling?.matches(".day")) item.previousElementSibling.remove();
  }

  /** The next item of a message in a direction, across lines. */
  #neighbour(item, direction) {
    let other = item[direction];
    while (other && !this.#messages.has(other)) other = other[direction];
    return other;
  }
}

customElements.define("chat-log", ChatLog);
