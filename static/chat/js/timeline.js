/** Scrolling: it stays at the newest message, or wherever the reader is, and older ones come as one nears them. */

/** This close to the end counts as being there (pixels). */
const NEAR = 48;

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
    scroller.addEventListener("scroll", () => this.#noteEnd(), { passive: true });
    pill.addEventListener("click", () => this.toEnd());
    const resized = new ResizeObserver(() => this.#atEnd && this.toEnd());
    resized.observe(scroller);
    resized.observe(log);
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

  /** @param {object} message as it now is */
  receive(message) {
    const isNew = this.#log.apply(message);
    if (this.#atEnd) this.toEnd();
    else if (isNew) this.#countUnseen(this.#unseen + 1);
  }

  toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#atEnd = true;
    this.#countUnseen(0);
  }

  #noteEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#atEnd) this.#countUnseen(0);
  }

  #countUnseen(count) {
    this.#unseen = count;
    this.#pill.hidden = count === 0;
    this.#pill.querySelector("span").textContent = count === 1 ? "1 new message" : `${count} new messages`;
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
      const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
      this.#log.extend(messages, isStart);
      this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
      this.#showStart();
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
