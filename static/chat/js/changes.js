/** Commands that change stored messages. The server answers each by its `ref`. */

import { gettext } from "../../base/js/i18n.js";

export class Changes {
  #send;
  /** @type {{ref: string, number: number, resolve: (problem: string | null) => void}[]} what is not answered yet */
  #waiting = [];
  #last = 0;
  /** @type {object[] | null} what was asked for while the page's first connection is being made */
  #early = [];

  /** @param {(command: object) => boolean} send whether it went out */
  constructor(send) {
    this.#send = send;
  }

  /**
   * @param {{type: "edit" | "delete", number: number, client_id?: string, message?: string}} command
   * @returns {Promise<string | null>} why it could not be done; null when it is done
   */
  ask(command) {
    const ref = `${++this.#last}`;
    const request = { ...command, ref };
    if (!this.#send(request)) {
      if (!this.#early) return Promise.resolve(gettext("there is no connection now"));
      this.#early.push(request);
    }
    return new Promise((resolve) => this.#waiting.push({ ref, number: command.number, resolve }));
  }

  /** There is a connection. */
  begin() {
    this.#early?.forEach((command) => this.#send(command));
    this.#early = null;
  }

  /** @param {string} ref of a command that is done */
  done(ref) {
    this.#answer((each) => each.ref === ref, null);
  }

  /**
   * @param {{ref?: string, number: number}} refused a command; a server of an earlier version names the message only
   * @param {string} problem
   */
  refuse({ ref, number }, problem) {
    this.#answer((each) => (ref ? each.ref === ref : each.number === number), problem);
  }

  #answer(isAnswered, problem) {
    const place = this.#waiting.findIndex(isAnswered);
    if (place >= 0) this.#waiting.splice(place, 1)[0].resolve(problem);
  }

  /** What was asked for may have been done or not: if it was, the next connection tells. */
  lose() {
    this.#early = null;
    for (const { resolve } of this.#waiting.splice(0)) resolve(gettext("the connection was lost"));
  }
}
