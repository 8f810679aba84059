/** An edit that is not saved: the browser keeps it for each person, room and message, so that a reload loses nothing. */

import { withStorage } from "./storage.js";

/**
 * @typedef {object} Edit
 * @property {number} number of the message
 * @property {string} message its text as it was stored
 * @property {string} text what it is to be
 */

export class KeptEdit {
  #prefix;

  /** @param {string} owner whose edits, and in which room */
  constructor(owner) {
    this.#prefix = `lobby.edit.${owner}.`;
  }

  /** @returns {Edit | undefined} one that was neither saved nor cancelled */
  find() {
    const found = withStorage((storage) => {
      const key = Object.keys(storage).find((key) => key.startsWith(this.#prefix));
      return key && { number: Number(key.slice(this.#prefix.length)), ...JSON.parse(storage.getItem(key)) };
    });
    return found ?? undefined;
  }

  /** @param {Edit} edit */
  keep({ number, message, text }) {
    withStorage((storage) => storage.setItem(this.#prefix + number, JSON.stringify({ message, text })));
  }

  forget(number) {
    withStorage((storage) => storage.removeItem(this.#prefix + number));
  }
}
