/** Changes to what is stored. Each is answered by the message as it now is, or by why it cannot be. */

import { gettext } from "../../base/js/i18n.js";

export class Changes {
  #send;
  /** @type {{number: number, resolve: (problem: string | null) => void}[]} what is not answered, in the order of asking */
  #waiting = [];
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
    return new Promise((resolve) => this.#waiting.push({ number: command.number, resolve }));
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
    const place = this.#waiting.findIndex((each) => each.number === number);
    if (place >= 0) this.#waiting.splice(place, 1)[0].resolve(problem);
  }

  /** What was asked for may have been done or not: if it was, the next connection tells. */
  lose() {
    this.#early = null;
    for (const { resolve } of this.#waiting.splice(0)) resolve(gettext("the connection was lost"));
  }
}
