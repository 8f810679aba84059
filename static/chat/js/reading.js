/** What of a room has been read: its newest message was in sight, in a tab that somebody was looking at. */

/** How often it is told, at most (milliseconds). */
const EVERY = 1000;

/** This close to the end counts as being there (pixels). */
const NEAR = 48;

export class Reading {
  #tell;
  #end;
  #seq = -1;
  #told = -1;
  #seen = 0;
  #atEnd = false;
  #timer = 0;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} end what stands below the newest message; hidden while that is not shown
   * @param {(seq: number) => boolean} tell the server; whether it went out
   */
  constructor(scroller, end, tell) {
    this.#tell = tell;
    this.#end = end;
    const seen = (entries) => {
      this.#atEnd = entries.at(-1).isIntersecting; // several may come together
      this.#tellSoon();
    };
    new IntersectionObserver(seen, { root: scroller, rootMargin: `0px 0px ${NEAR}px 0px` }).observe(end);
    new MutationObserver(() => this.#tellSoon()).observe(end, { attributeFilter: ["hidden"] });
    document.addEventListener("visibilitychange", () => this.#tellSoon());
    addEventListener("focus", () => this.#tellSoon());
  }

  /** @param {number} seq up to which everything is shown */
  note(seq) {
    this.#seq = seq;
    this.#tellSoon();
  }

  /** The connection is another one: what was told may not have arrived. */
  again() {
    this.#told = -1;
  }

  /** Whether somebody is looking at what is newest. */
  get isOn() {
    return this.#atEnd && !this.#end.hidden && !document.hidden && document.hasFocus();
  }

  /** Up to which seq somebody has looked at it here, whether or not the server knows. */
  get seen() {
    return this.#seen;
  }

  #tellSoon() {
    if (this.isOn) this.#seen = Math.max(this.#seen, this.#seq);
    if (this.#timer || this.#seq <= this.#told || !this.isOn || !this.#tell(this.#seq)) return;
    this.#told = this.#seq;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#tellSoon();
    }, EVERY);
  }
}
