/** Scrolling: it stays at the newest message, or wherever the reader is, and older ones come as one nears them. */

/** This close to the end counts as being there (pixels). */
const NEAR = 48;

/** So many heights of the view away, the end is worth a jump. */
const FAR = 2;

/** Older messages are fetched before they are needed (pixels above the view). */
const AHEAD = 800;

export class Timeline {
  #scroller;
  #log;
  #start;
  #pill;
  #fetchBefore;
  #atEnd = true;
  #unseen = 0;
  #isLoading = false;
  /** @type {{key: number | string, bottom: number} | null} the first message in view, and where it ends there */
  #anchor = null;
  /** @type {Date | null} since when the reader has not seen the end */
  #leftAt = null;
  #isLineDrawn = false;

  /**
   * @param {HTMLElement} scroller
   * @param {import("./chat-log.js").ChatLog} log
   * @param {HTMLElement} start what stands above the oldest message
   * @param {HTMLButtonElement} pill what leads to the newest one
   * @param {(before: number | null) => Promise<{messages: object[], isStart: boolean}>} fetchBefore
   */
  constructor(scroller, log, start, pill, fetchBefore) {
    this.#scroller = scroller;
    this.#log = log;
    this.#start = start;
    this.#pill = pill;
    this.#fetchBefore = fetchBefore;
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    document.addEventListener("visibilitychange", () => this.#notePresence());
    pill.addEventListener("click", () => this.toEnd());
    // What is above the view may grow and shrink at any time: texts, images, the window's width.
    const resized = new ResizeObserver(() => this.#keepPlace());
    for (const each of [scroller, log, start]) resized.observe(each);
    const near = ([entry]) => entry.isIntersecting && this.#loadOlder();
    this.#nearStart = new IntersectionObserver(near, { root: scroller, rootMargin: `${AHEAD}px 0px 0px` });
  }

  #nearStart;

  /** Show the newest page, which came with the room's page. */
  open(messages, isStart) {
    this.#log.extend(messages, isStart);
    this.#showStart();
    this.toEnd();
  }

  /** Load the newest page anew: what is shown is of another log, or too far behind. */
  async reload() {
    this.#log.clear();
    await this.#load(null);
    this.toEnd();
  }

  /** @param {import("./message.js").Message} message as it now is */
  receive(message) {
    this.#noteAnchor();
    const isNew = this.#log.apply(message);
    this.#keepPlace();
    if (!isNew) return;
    if (this.#leftAt && message.author.id !== this.#log.reader) this.#drawLine(message);
    if (!this.#atEnd) this.#countUnseen(this.#unseen + 1);
  }

  /** The reader has answered, and so has read everything. */
  answered() {
    this.#log.drawNews(null);
    this.toEnd();
  }

  toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#scrolled();
  }

  #scrolled() {
    this.#atEnd = this.#toGo < NEAR;
    this.#noteAnchor();
    this.#notePresence();
    this.#countUnseen(this.#atEnd ? 0 : this.#unseen);
  }

  /** How far below the view the end is (pixels). */
  get #toGo() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  #noteAnchor() {
    const item = this.#atEnd ? null : this.#log.firstBelow(this.#scroller.getBoundingClientRect().top);
    this.#anchor = item && { key: this.#log.key(item), bottom: this.#bottomOf(item) };
  }

  /** Whatever has changed, what the reader looks at stands where it stood. */
  #keepPlace() {
    if (this.#atEnd) return this.toEnd();
    const item = this.#anchor && this.#log.item(this.#anchor.key);
    if (item) this.#scroller.scrollTop += this.#bottomOf(item) - this.#anchor.bottom;
  }

  /** Where an item ends in the view. It may begin elsewhere: the first of a group has its author's head. */
  #bottomOf(item) {
    return item.getBoundingClientRect().bottom - this.#scroller.getBoundingClientRect().top;
  }

  #notePresence() {
    const isHere = this.#atEnd && !document.hidden;
    if (isHere) this.#leftAt = null;
    else if (!this.#leftAt) [this.#leftAt, this.#isLineDrawn] = [new Date(), false];
  }

  /** Draw the line above the first message that came while the reader was away. */
  #drawLine(message) {
    if (this.#isLineDrawn) return;
    this.#isLineDrawn = true;
    this.#log.drawNews({ number: message.number, since: this.#leftAt });
    this.#keepPlace();
  }

  #countUnseen(count) {
    this.#unseen = count;
    this.#pill.hidden = count === 0 && this.#toGo <= FAR * this.#scroller.clientHeight;
    this.#pill.querySelector("span").textContent = pillText(count);
  }

  async #loadOlder() {
    if (this.#isLoading || !(this.#log.oldest > 1 && this.#log.oldest < Infinity)) return;
    await this.#load(this.#log.oldest);
  }

  /** Fetch a page, and show it without moving what the reader looks at. */
  async #load(before) {
    this.#isLoading = true;
    this.#start.textContent = "Loading earlier messages…";
    try {
      const { messages, isStart } = await this.#fetchBefore(before);
      this.#noteAnchor();
      this.#log.extend(messages, isStart);
      this.#showStart();
      this.#keepPlace();
    } catch {
      this.#offerRetry(before);
    } finally {
      this.#isLoading = false;
    }
  }

  #showStart() {
    const isStart = this.#log.oldest <= 1;
    this.#start.textContent = isStart ? "This is where the room begins." : "";
    // An observer speaks of changes only: looking anew asks whether the start is still near.
    this.#nearStart.unobserve(this.#start);
    if (!isStart) this.#nearStart.observe(this.#start);
  }

  #offerRetry(before) {
    this.#nearStart.unobserve(this.#start);
    const retry = document.createElement("button");
    retry.textContent = "Try again";
    retry.addEventListener("click", () => this.#load(before));
    this.#start.replaceChildren("Earlier messages could not be loaded. ", retry);
  }
}

function pillText(unseen) {
  if (unseen === 0) return "Jump to latest";
  return unseen === 1 ? "1 new message" : `${unseen} new messages`;
}
