/** Commands that change stored messages and await their answers, which the server sends by `ref`. */

import { gettext } from "../../../base/js/i18n.js";

/** Code of the error for an edit of a message that was changed since. */
export const CONFLICT = "conflict";

export class PendingCommands {
  #send;
  /** @type {{ref: string, number: number, resolve: (problem: string | null) => void}[]} */
  #pending = [];
  #lastRef = 0;
  /** @type {object[] | null} commands that wait for the page's first connection */
  #early = [];
  /** @type {string | undefined} why the server refuses the connection */
  #refusal;

  /** @param {(command: object) => boolean} send returns whether the command was sent */
  constructor(send) {
    this.#send = send;
  }

  /**
   * @param {{type: "edit" | "delete", number: number, client_id?: string, seq?: number, message?: string}} command
   * @returns {Promise<string | null>} the problem or `CONFLICT`, or null on success
   */
  send(command) {
    const ref = `${++this.#lastRef}`;
    const request = { ...command, ref };
    if (!this.#send(request)) {
      if (!this.#early) return Promise.resolve(this.#refusal ?? gettext("You're offline."));
      this.#early.push(request);
    }
    return new Promise((resolve) => this.#pending.push({ ref, number: command.number, resolve }));
  }

  /** The connection is open: send the commands that wait for it. */
  connected() {
    this.#early?.forEach((command) => this.#send(command));
    this.#early = null;
    this.#refusal = undefined;
  }

  /** @param {string} ref of a command that has succeeded */
  succeed(ref) {
    this.#settle((each) => each.ref === ref, null);
  }

  /**
   * @param {{ref?: string, number: number}} command that has failed; a server of an earlier version sends the number only
   * @param {string} problem a text, or `CONFLICT`
   */
  fail({ ref, number }, problem) {
    this.#settle((each) => (ref ? each.ref === ref : each.number === number), problem);
  }

  #settle(isAnswered, problem) {
    const index = this.#pending.findIndex(isAnswered);
    if (index >= 0) this.#pending.splice(index, 1)[0].resolve(problem);
  }

  /**
   * The connection is lost. Commands may have succeeded or not: the next connection brings the changed messages.
   * @param {string} [refusal] why the server refuses another connection
   */
  disconnected(refusal) {
    this.#early = null;
    this.#refusal = refusal;
    const problem = refusal ?? gettext("The connection was lost.");
    for (const { resolve } of this.#pending.splice(0)) resolve(problem);
  }
}
