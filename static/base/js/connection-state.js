/**
 * Connection status: a pill that appears when the connection is lost. After a refusal it has a button that reloads the
 * page.
 */

import { gettext } from "./i18n.js";

/**
 * Delay before a lost connection or the end of a session is shown (milliseconds): most connections are back soon, and
 * somebody who signs out here is about to leave the page.
 */
const SHOW_DELAY = 2000;

/** Delay before another refusal is shown (milliseconds): the person may have deleted the account here. */
const REFUSAL_DELAY = 300;

/** Close code of a session that has ended. */
const SIGNED_OUT = 4401;

/** How long a notice is shown while connected (milliseconds). */
const NOTICE_TIME = 20_000;

/** Texts for the states and for the close codes of refusals. */
const TEXTS = {
  waiting: gettext("Reconnecting…"),
  refused: gettext("You don't have access to this page."),
  [SIGNED_OUT]: gettext("You've been signed out."),
  4404: gettext("This page no longer exists."),
};

/** @typedef {Record<number, string>} Exits addresses, by close codes, to which the button leads after a refusal instead of reloading */

/** @param {number} code close code of a refusal @returns {string} the reason */
export function refusalText(code) {
  return TEXTS[code] ?? TEXTS.refused;
}

export class ConnectionState {
  #pill;
  #texts;
  #exits;
  #reload; // the button's text
  #state = "open";
  #code = 0;
  #timer = 0;

  /**
   * @param {HTMLElement} pill
   * @param {Record<string, string>} [texts] see `setTexts`
   * @param {Exits} [exits]
   */
  constructor(pill, texts = {}, exits = {}) {
    this.#pill = pill;
    this.#exits = exits;
    this.setTexts(texts);
    this.#reload = pill.querySelector("button").textContent;
    pill.querySelector("button").addEventListener("click", () => {
      if (this.#exit) location.assign(this.#exit);
      else location.reload();
    });
  }

  get #exit() {
    return this.#state === "refused" && this.#exits[this.#code];
  }

  /** @param {Record<string, string>} texts for states and close codes, instead of the default texts */
  setTexts(texts) {
    this.#texts = { ...TEXTS, ...texts };
    if (this.#state !== "open" && !this.#pill.hidden) this.#showState();
  }

  /**
   * @param {"open" | "waiting" | "refused"} state
   * @param {number} [code] close code of the socket
   */
  show(state, code) {
    if (state === this.#state) return;
    this.#state = state;
    this.#code = code;
    clearTimeout(this.#timer);
    const delay = state === "waiting" || code === SIGNED_OUT ? SHOW_DELAY : REFUSAL_DELAY;
    if (state === "open") this.#pill.hidden = true;
    else this.#timer = setTimeout(() => this.#showState(), delay);
  }

  /** Show a notice for a while, or until the state changes; then show the state again. @param {string} text */
  showNotice(text) {
    clearTimeout(this.#timer);
    this.#showText(text);
    this.#timer = setTimeout(() => this.#showState(), NOTICE_TIME);
  }

  #showState() {
    if (this.#state === "open") this.#pill.hidden = true;
    else this.#showText(this.#texts[this.#code] ?? this.#texts[this.#state]);
  }

  #showText(text) {
    this.#pill.querySelector("span").textContent = text;
    this.#pill.classList.toggle("is-reconnecting", this.#state === "waiting");
    const button = this.#pill.querySelector("button");
    button.hidden = this.#state !== "refused";
    button.textContent = this.#exit ? gettext("Go to rooms") : this.#reload;
    this.#pill.hidden = false;
  }
}
