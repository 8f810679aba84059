/** Typing indicator: sends that the person is typing, and shows who else is. */

import { gettext } from "../../../base/js/i18n.js";
import { isolate, showSentence } from "../../../base/js/bidi.js";

/** How often typing is sent at most, and how long it is shown after the last event (milliseconds). */
const SEND_INTERVAL = 3000;
const SHOW_TIME = 6000;

export class TypingIndicator {
  #element;
  #you;
  #send;
  #sentAt = -Infinity;
  /** @type {Map<number, {name: string, timer: number}>} in the order in which they began */
  #people = new Map();

  /**
   * @param {HTMLElement} element
   * @param {{id: number}} you
   * @param {() => void} send tells the server that you are typing
   */
  constructor(element, you, send) {
    this.#element = element;
    this.#you = you;
    this.#send = send;
    this.#show();
  }

  /** You are typing. */
  typing() {
    const now = performance.now();
    if (now - this.#sentAt < SEND_INTERVAL) return;
    this.#sentAt = now;
    this.#send();
  }

  /** Your message is sent: report the next typing at once. */
  reset() {
    this.#sentAt = -Infinity;
  }

  /** @param {{person: {id: number, name: string}}} event */
  receive({ person: { id, name } }) {
    if (id === this.#you.id) return;
    clearTimeout(this.#people.get(id)?.timer);
    this.#people.set(id, { name, timer: setTimeout(() => this.remove(id), SHOW_TIME) });
    this.#show();
  }

  /** A person has sent the message, or has stopped typing. @param {number} id */
  remove(id) {
    clearTimeout(this.#people.get(id)?.timer);
    if (this.#people.delete(id)) this.#show();
  }

  #show() {
    const names = [...this.#people.values()].map(({ name }) => isolate(name));
    this.#element.classList.toggle("is-empty", names.length === 0);
    showSentence(this.#element.querySelector(".typing-indicator__text"), sentence(names));
  }
}

/** @param {string[]} names */
function sentence(names) {
  if (names.length === 0) return "";
  if (names.length === 1) return gettext("{name} is typing", { name: names[0] });
  if (names.length === 2) return gettext("{name} and {other} are typing", { name: names[0], other: names[1] });
  return gettext("Several people are typing");
}
