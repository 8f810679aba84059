/** A form that sends lines of text over a socket, and a list of received lines. */

import { parseJson, withStorage } from "./storage.js";

const KEY = `lobby.lines.${location.pathname}`;

/** A line that was not sent back within this time is sent again, and a refused one after this delay (milliseconds). */
const ECHO_TIMEOUT = 10_000;
const RETRY_DELAY = 1000;

/** Codes of errors after which the same line may succeed. */
const TEMPORARY = ["rate_limited", "unavailable"];

/**
 * A form with one text input. Its lines are sent one after the other, each once the server has sent back the one before.
 * Until then, this tab's storage keeps them.
 */
export class LineForm {
  #send;
  #input;
  /** @type {string[]} oldest first */
  #unsent = readUnsent();
  #isSent = false; // the oldest line
  #timer = 0;

  /**
   * @param {HTMLFormElement} form
   * @param {(text: string) => boolean} send returns whether the text was sent
   */
  constructor(form, send) {
    this.#send = send;
    const input = (this.#input = form.querySelector("input"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      hideError();
      this.#unsent.push(input.value.replaceAll(/\p{Surrogate}/gu, "\ufffd")); // as the server sends it back
      this.#sendNext();
      input.value = "";
      input.focus();
    });
  }

  /** Send the unsent lines on a new connection. */
  flush() {
    clearTimeout(this.#timer);
    this.#isSent = false;
    this.#sendNext();
  }

  /** @param {string} text a line that the server has sent */
  receive(text) {
    if (!this.#isSent || text !== this.#unsent[0]) return;
    hideError();
    this.#unsent.shift();
    this.flush();
  }

  /**
   * Send a refused line again after a temporary error, or put it back into the input.
   * @param {{code: string, detail: string, retry_after?: number}} error
   */
  fail({ code, detail, retry_after: seconds }) {
    showError(detail);
    if (!this.#isSent) return;
    if (TEMPORARY.includes(code)) return this.#flushIn(seconds ? seconds * 1000 : RETRY_DELAY);
    this.#input.value = [this.#unsent.shift(), this.#input.value].filter(Boolean).join(" ");
    this.flush();
  }

  #sendNext() {
    withStorage((storage) => storage.setItem(KEY, JSON.stringify(this.#unsent)), "sessionStorage");
    if (this.#isSent || !this.#unsent.length || !this.#send(this.#unsent[0])) return;
    this.#isSent = true;
    this.#flushIn(ECHO_TIMEOUT);
  }

  #flushIn(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), delay);
  }
}

/** @returns {string[]} */
function readUnsent() {
  const lines = parseJson(withStorage((storage) => storage.getItem(KEY), "sessionStorage"));
  return Array.isArray(lines) && lines.every((line) => typeof line === "string") ? lines : [];
}

/** How many lines a list shows. */
const MAX_LINES = 200;

/**
 * Add a line to a list, and remove the oldest when there are too many.
 * @param {HTMLElement} list newest first
 * @param {string} text
 */
export function prependLine(list, text) {
  const item = document.createElement("li");
  item.textContent = text;
  list.prepend(item);
  if (list.children.length > MAX_LINES) list.lastElementChild.remove();
}

/** @param {string} detail */
function showError(detail) {
  const error = document.getElementById("error");
  error.textContent = detail;
  error.hidden = false;
}

function hideError() {
  document.getElementById("error").hidden = true;
}
