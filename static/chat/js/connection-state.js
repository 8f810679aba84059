/** The pill that tells of a lost connection: not at once, since most come back before anybody minds. */

/** How long a lost connection goes unmentioned (milliseconds). */
const CALM = 2000;

const SAID = {
  waiting: "Reconnecting. What you write is kept.",
  refused: "This room is closed to you. Load the page again.",
};

export class ConnectionState {
  #pill;
  #state = "open";
  #timer = 0;

  /** @param {HTMLElement} pill */
  constructor(pill) {
    this.#pill = pill;
  }

  /** @param {"open" | "waiting" | "refused"} state */
  show(state) {
    if (state === this.#state) return;
    this.#state = state;
    clearTimeout(this.#timer);
    if (state === "open") this.#pill.hidden = true;
    else this.#timer = setTimeout(() => this.#tell(), CALM);
  }

  #tell() {
    this.#pill.querySelector("span").textContent = SAID[this.#state];
    this.#pill.classList.toggle("is-turning", this.#state === "waiting");
    this.#pill.hidden = false;
  }
}
