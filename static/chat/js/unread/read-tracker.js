/** Read tracker: sends the read position while the newest message is in view of a reader who is present. */

/** How often the position is sent at most (milliseconds). */
const SEND_INTERVAL = 1000;

/** Closer to the end than this counts as at the end (pixels). */
const END_DISTANCE = 48;

export class ReadTracker {
  #send;
  #end;
  #attention;
  #shown = -1;
  #sent = -1;
  #seen = 0;
  #atEnd = false;
  #timer = 0;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} end element below the newest message; hidden while that message is not shown
   * @param {import("./attention.js").Attention} attention
   * @param {(seq: number) => boolean} send returns whether the position was sent
   */
  constructor(scroller, end, attention, send) {
    this.#send = send;
    this.#end = end;
    this.#attention = attention;
    const intersected = (entries) => {
      this.#atEnd = entries.at(-1).isIntersecting; // the last entry is the current one
      this.#update();
    };
    new IntersectionObserver(intersected, { root: scroller, rootMargin: `0px 0px ${END_DISTANCE}px 0px` }).observe(end);
    new MutationObserver(() => this.#update()).observe(end, { attributeFilter: ["hidden"] });
    attention.addEventListener("change", () => this.#update());
  }

  /** @param {number} seq up to which all messages are shown */
  setShown(seq) {
    this.#shown = seq;
    this.#update();
  }

  /**
   * Send the position again on a new connection: the last one may not have arrived.
   * @param {number} end of the log, which may be before what was read: the log was rewound
   */
  reset(end) {
    this.#sent = -1;
    this.#seen = Math.min(this.#seen, end);
  }

  /** The room is left: send the position now. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#update();
    clearTimeout(this.#timer);
  }

  /** Whether the newest message is in view of a reader who is present. */
  get isReading() {
    return this.#atEnd && !this.#end.hidden && this.#attention.isPresent;
  }

  /** The last seq that was read in this tab, whether or not the server knows. */
  get seen() {
    return this.#seen;
  }

  #update() {
    if (this.isReading) this.#seen = Math.max(this.#seen, this.#shown);
    if (this.#timer || this.#shown <= this.#sent || !this.isReading || !this.#send(this.#shown)) return;
    this.#sent = this.#shown;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#update();
    }, SEND_INTERVAL);
  }
}
