/** Changes to what is stored. Each is answered by the message as it now is, or by why it cannot be. */

import { gettext } from "../../base/js/i18n.js";

export class Changes {
  #send;
  /** @type {Map<number, (problem: string | null) => void>} who waits, by the message's number */
  #waiting = new Map();
  /** @type {object[] | null} what was asked for while the page's first connection is being made */
  #early = [];

  /** @param {(command: object) => boolean} send whether it went out */
  constructor(send) {
    this.#send = send;
  }

  /**
   * @param {{type: "edit" | "delete", number: number, message?: string}} command
   * @returns {Promise<string | null>} why it could not be done; null when it is done
   */
  ask(command) {
    if (!this.#send(command)) {
      if (!this.#early) return Promise.resolve(gettext("there is no connection now"));
      this.#early.push(command);
    }
    return new Promise((resolve) => this.#waiting.set(command.number, resolve));
  }

  /** There is a connection. */
  begin() {
    this.#early?.forEach((command) => this.#send(command));
    this.#early = null;
  }

  /**
   * @param {number} number of a message that has changed, or that cannot be changed
   * @param {string | null} [problem]
   */
  answer(number, problem = null) {
    this.#waiting.get(number)?.(problem);
    this.#waiting.delete(number);
  }

  /** What was asked for may have been done or not: if it was, the next connection tells. */
  lose() {
    this.#early = null;
    for (const number of this.#waiting.keys()) this.answer(number, gettext("the connection was lost"));
  }
}
