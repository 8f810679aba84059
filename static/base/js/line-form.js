/** A form that sends lines of text over a socket, and a list of received lines. */

import { parseJson, withStorage } from "./storage.js";

const KEY = `lobby.lines.${location.pathname}`;

/** A form with one text input. Its lines are sent once there is a connection; until then, this tab's storage keeps them. */
export class LineForm {
  #send;
  /** @type {string[]} */
  #unsent = readUnsent();

  /**
   * @param {HTMLFormElement} form
   * @param {(text: string) => boolean} send returns whether the text was sent
   */
  constructor(form, send) {
    this.#send = send;
    const input = form.querySelector("input");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      hideError();
      this.#unsent.push(input.value);
      this.flush();
      input.value = "";
      input.focus();
    });
  }

  /** Send the unsent lines, in order. */
  flush() {
    while (this.#unsent.length && this.#send(this.#unsent[0])) this.#unsent.shift();
    withStorage((storage) => storage.setItem(KEY, JSON.stringify(this.#unsent)), "sessionStorage");
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
export function showError(detail) {
  const error = document.getElementById("error");
  error.textContent = detail;
  error.hidden = false;
}

function hideError() {
  document.getElementById("error").hidden = true;
}
