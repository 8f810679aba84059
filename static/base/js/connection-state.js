/**
 * The pill that tells of a lost connection: not at once, since most come back before anybody minds.
 * Where the server refuses, a button loads the page again.
 */

import { gettext } from "./i18n.js";

/** How long a lost connection goes unmentioned (milliseconds). */
const CALM = 2000;

/** How long a notice stays while the connection is there (milliseconds). */
const NOTICE = 20_000;

/** What is said of each state, and of the codes with which a server refuses. */
const SAID = {
  waiting: gettext("Reconnecting…"),
  refused: gettext("This is closed to you."),
  4401: gettext("You are signed out."),
  4404: gettext("There is nothing here any more."),
};

export class ConnectionState {
  #pill;
  #said;
  #state = "open";
  #code = 0;
  #timer = 0;

  /**
   * @param {HTMLElement} pill
   * @param {Record<string, string>} [said] see `said`
   */
  constructor(pill, said = {}) {
    this.#pill = pill;
    this.said = said;
    pill.querySelector("button").addEventListener("click", () => location.reload());
  }

  /** @param {Record<string, string>} said what is said here of a state or a code instead */
  set said(said) {
    this.#said = { ...SAID, ...said };
    if (this.#state !== "open" && !this.#pill.hidden) this.#tell();
  }

  /**
   * @param {"open" | "waiting" | "refused"} state
   * @param {number} [code] with which the socket was closed
   */
  show(state, code) {
    if (state === this.#state) return;
    this.#state = state;
    this.#code = code;
    clearTimeout(this.#timer);
    if (state === "open") this.#pill.hidden = true;
    else this.#timer = setTimeout(() => this.#tell(), CALM);
  }

  /** Show a notice for a while, or until the state changes; then show the state again. @param {string} text */
  notify(text) {
    clearTimeout(this.#timer);
    this.#draw(text);
    this.#timer = setTimeout(() => this.#tell(), NOTICE);
  }

  #tell() {
    if (this.#state === "open") this.#pill.hidden = true;
    else this.#draw(this.#said[this.#code] ?? this.#said[this.#state]);
  }

  #draw(text) {
    this.#pill.querySelector("span").textContent = text;
    this.#pill.classList.toggle("is-turning", this.#state === "waiting");
    this.#pill.querySelector("button").hidden = this.#state !== "refused";
    this.#pill.hidden = false;
  }
}
