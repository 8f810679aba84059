/** A form that sends lines of text over a socket, and the list of received lines. */

import { parseJson, withStorage } from "./storage.js";
import { newId } from "./uuid.js";

const KEY = `lobby.lines.${location.pathname}`;

/** A line that was not sent back within this time is sent again, and a refused one after this delay (milliseconds). */
const ECHO_TIMEOUT = 10_000;
const RETRY_DELAY = 1000;

/** How many lines the list shows. */
const MAX_LINES = 200;

/** Codes of errors after which the same line may succeed. */
const TEMPORARY = ["rate_limited", "unavailable"];

/** @typedef {{id: string, text: string}} Line */

/**
 * A form with one text input. Its lines are sent one after the other, each once the server has sent back the one before.
 * Until then, this tab's storage keeps them. A line that is sent twice is shown once: its id is the same.
 */
export class LineForm {
  #input;
  #list;
  #send;
  /** @type {Line[]} oldest first */
  #unsent = readUnsent();
  #isSent = false; // the oldest line
  #timer = 0;
  /** @type {string | undefined} the id of the line that is received next */
  #nextId;

  /**
   * @param {HTMLFormElement} form
   * @param {HTMLElement} list newest line first
   * @param {(text: string) => boolean} send returns whether the text was sent
   */
  constructor(form, list, send) {
    this.#list = list;
    this.#send = send;
    const input = (this.#input = form.querySelector("input"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      hideError();
      this.#unsent.push({ id: newId(), text: input.value.toWellFormed() });
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

  /** @param {string} id which the server sends before its line. Lines of other clients have none. */
  expect(id) {
    this.#nextId = id;
  }

  /** @param {string} text a line that the server has sent */
  receive(text) {
    const id = this.#nextId;
    this.#nextId = undefined;
    if (!id || !this.#isShown(id)) this.#show(id, text);
    if (!id || id !== this.#unsent[0]?.id) return;
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
    this.#input.value = [this.#unsent.shift().text, this.#input.value].filter(Boolean).join(" ");
    this.flush();
  }

  #isShown(id) {
    return [...this.#list.children].some((item) => item.dataset.id === id);
  }

  /** Add a line to the list, and remove the oldest when there are too many. */
  #show(id, text) {
    const item = document.createElement("li");
    if (id) item.dataset.id = id;
    item.textContent = text;
    this.#list.prepend(item);
    if (this.#list.children.length > MAX_LINES) this.#list.lastElementChild.remove();
  }

  #sendNext() {
    withStorage((storage) => storage.setItem(KEY, JSON.stringify(this.#unsent)), "sessionStorage");
    if (this.#isSent || !this.#unsent.length || !this.#send(JSON.stringify(this.#unsent[0]))) return;
    this.#isSent = true;
    this.#flushIn(ECHO_TIMEOUT);
  }

  #flushIn(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), delay);
  }
}

/** @returns {Line[]} An earlier version stored texts only. */
function readUnsent() {
  const stored = parseJson(withStorage((storage) => storage.getItem(KEY), "sessionStorage"));
  const lines = Array.isArray(stored) ? stored : [];
  return lines.map((line) => (typeof line === "string" ? { id: newId(), text: line } : line)).filter(isLine);
}

function isLine(value) {
  return typeof value?.id === "string" && typeof value.text === "string";
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
