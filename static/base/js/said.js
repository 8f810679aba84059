/** A line that is sent on a click or Enter, and the list of what comes back. */

const KEPT = `lobby.lines.${location.pathname}`;

/** What is written in a form's line, and sent as soon as there is a connection. This tab keeps it until then. */
export class Line {
  #send;
  /** @type {string[]} */
  #waiting = readKept();

  /**
   * @param {HTMLFormElement} form with one text input
   * @param {(text: string) => boolean} send whether it went out
   */
  constructor(form, send) {
    this.#send = send;
    const input = form.querySelector("input");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      hideError();
      this.#waiting.push(input.value);
      this.flush();
      input.value = "";
      input.focus();
    });
  }

  /** Send what waits. */
  flush() {
    while (this.#waiting.length && this.#send(this.#waiting[0])) this.#waiting.shift();
    keep(this.#waiting);
  }
}

/** @returns {string[]} */
function readKept() {
  try {
    const lines = JSON.parse(sessionStorage.getItem(KEPT));
    return lines.every((line) => typeof line === "string") ? lines : [];
  } catch {
    return []; // there are none, or storage is blocked
  }
}

function keep(lines) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(lines));
  } catch {
    // storage is blocked or full: only this page has them
  }
}

/**
 * A list shows so much and no more.
 *
 * @param {HTMLElement} list the newest first
 * @param {string} text
 */
export function prepend(list, text) {
  const item = document.createElement("li");
  item.textContent = text;
  list.prepend(item);
  if (list.children.length > MOST) list.lastElementChild.remove();
}

/** How many lines a list shows. */
const MOST = 200;

/** @param {string} detail what is wrong */
export function showError(detail) {
  const error = document.getElementById("error");
  error.textContent = detail;
  error.hidden = false;
}

function hideError() {
  document.getElementById("error").hidden = true;
}
