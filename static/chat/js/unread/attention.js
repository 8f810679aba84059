/** Attention: whether the reader sees what arrives. The tab is visible and focused, and nothing is missing at its end. */

export class Attention extends EventTarget {
  #isCaughtUp = false;

  /** @param {AbortSignal} signal aborted when the room is left */
  constructor(signal) {
    super();
    document.addEventListener("visibilitychange", () => this.#changed(), { signal });
    for (const type of ["focus", "blur"]) addEventListener(type, () => this.#changed(), { signal });
  }

  /** Whether the tab is connected, and has received all that it has missed. */
  get isCaughtUp() {
    return this.#isCaughtUp;
  }

  set isCaughtUp(isCaughtUp) {
    this.#isCaughtUp = isCaughtUp;
    this.#changed();
  }

  get isPresent() {
    return this.#isCaughtUp && !document.hidden && document.hasFocus();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
