/** Retry: repeats an action until it succeeds, with backoff. */

import { backoff } from "./backoff.js";

/** Backoff (milliseconds). */
const FIRST_DELAY = 2000;
const LONGEST_DELAY = 60_000;

export class Retry {
  #action;
  #failures = 0;
  #isRunning = false;
  #isWanted = false;
  #timer = 0;

  /**
   * @param {() => Promise<number | null | void>} action Rejects to run again after the backoff, or resolves to the delay
   *   after which it runs again (milliseconds). Without one it has succeeded.
   */
  constructor(action) {
    this.#action = action;
  }

  /** Run the action now, or as soon as it has ended. */
  async run() {
    this.#isWanted = true;
    if (this.#isRunning) return;
    clearTimeout(this.#timer);
    this.#isRunning = true;
    let delay;
    while (this.#isWanted) {
      this.#isWanted = false;
      delay = await this.#action().catch(() => 0);
    }
    this.#isRunning = false;
    if (typeof delay === "number") this.#timer = setTimeout(() => this.run(), this.#delay(delay));
    else this.#failures = 0;
  }

  #delay(requested) {
    if (requested) return Math.min(LONGEST_DELAY, requested);
    return backoff(this.#failures++, FIRST_DELAY, LONGEST_DELAY);
  }
}
