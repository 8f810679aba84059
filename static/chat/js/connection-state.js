/** The pill that tells of a lost connection: not at once, since most come back before anybody minds. */

/** How long a lost connection goes unmentioned (milliseconds). */
const CALM = 2000;

const SAID = {
  waiting: "Reconnecting. What you write is kept.",
  refused: "This room is closed to you. Load the page again.",
};

/** What is said instead when the server gave a reason. */
const REASONS = {
  4401: "You are signed out. Load the page again.",
  4404: "There can be no such room.",
  4429: "You have made many rooms. Wait a while, and load the page again.",
};

export class ConnectionState {
  #pill;
  #state = "open";
  #code = 0;
  #timer = 0;

  /** @param {HTMLElement} pill */
  constructor(pill) {
    this.#pill = pill;
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

  #tell() {
    this.#pill.querySelector("span").textContent = REASONS[this.#code] ?? SAID[this.#state];
    this.#pill.classList.toggle("is-turning", this.#state === "waiting");
    this.#pill.hidden = false;
  }
}
