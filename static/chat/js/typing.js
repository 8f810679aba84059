/** Who is writing in the room now. */

import { gettext } from "../../base/js/i18n.js";
import { isolated, write } from "../../base/js/isolated.js";

/** How often it is said, at most; and for how long it is shown after it was said last (milliseconds). */
const EVERY = 3000;
const LASTS = 6000;

export class Typing {
  #place;
  #you;
  #say;
  #saidAt = -Infinity;
  /** @type {Map<number, {name: string, timer: number}>} in the order of their beginning */
  #people = new Map();

  /**
   * @param {HTMLElement} place
   * @param {{id: number}} you
   * @param {() => void} say tell the server that you are writing
   */
  constructor(place, you, say) {
    this.#place = place;
    this.#you = you;
    this.#say = say;
    this.#show();
  }

  /** You have written something that is not sent yet. */
  write() {
    const now = performance.now();
    if (now - this.#saidAt < EVERY) return;
    this.#saidAt = now;
    this.#say();
  }

  /** What you were writing is sent. */
  sent() {
    this.#saidAt = -Infinity;
  }

  /** @param {{person: {id: number, name: string}}} event */
  receive({ person: { id, name } }) {
    if (id === this.#you.id) return;
    clearTimeout(this.#people.get(id)?.timer);
    this.#people.set(id, { name, timer: setTimeout(() => this.forget(id), LASTS) });
    this.#show();
  }

  /** Somebody has said it, or is not heard any more. @param {number} id */
  forget(id) {
    clearTimeout(this.#people.get(id)?.timer);
    if (this.#people.delete(id)) this.#show();
  }

  #show() {
    const names = [...this.#people.values()].map(({ name }) => isolated(name));
    this.#place.classList.toggle("is-nobody", names.length === 0);
    write(this.#place.querySelector(".typing__said"), said(names));
  }
}

/** @param {string[]} names */
function said(names) {
  if (names.length === 0) return "";
  if (names.length === 1) return gettext("{name} is typing", { name: names[0] });
  if (names.length === 2) return gettext("{name} and {other} are typing", { name: names[0], other: names[1] });
  return gettext("Several people are typing");
}
