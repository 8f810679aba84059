/** History loader for one end of the timeline: loads the next page as the end comes near, and shows when there is none. */

import { gettext } from "../../../base/js/i18n.js";

/** How far outside of the view loading begins (pixels). */
const PRELOAD_DISTANCE = 800;

export class HistoryLoader {
  #element;
  #texts;
  #load;
  #observer;
  #isLoading = false;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} element at that end
   * @param {{loading: string, failed: string, last: string | Node}} texts `last` is shown if there is no further page
   * @param {() => Promise<void>} load loads and shows the next page
   */
  constructor(scroller, element, texts, load) {
    this.#element = element;
    this.#texts = texts;
    this.#load = load;
    const near = (entries) => entries.at(-1).isIntersecting && !this.#isLoading && this.load();
    this.#observer = new IntersectionObserver(near, { root: scroller, rootMargin: `${PRELOAD_DISTANCE}px 0px` });
  }

  /** @param {boolean} isLast whether there is no further page */
  show(isLast) {
    this.stop(); // an observer reports changes only: observing again checks whether this end is still near
    if (isLast) this.#element.replaceChildren(this.#texts.last);
    if (!isLast) this.#observer.observe(this.#element);
  }

  /** Load nothing until `show` is called again. */
  stop() {
    this.#observer.unobserve(this.#element);
    this.#element.textContent = "";
  }

  /** @param {() => Promise<void>} [load] instead of the usual function */
  async load(load = this.#load) {
    this.#isLoading = true;
    this.#element.textContent = this.#texts.loading;
    try {
      await load();
    } catch {
      this.#offerRetry(load);
    } finally {
      this.#isLoading = false;
    }
  }

  #offerRetry(load) {
    this.stop();
    const retry = document.createElement("button");
    retry.textContent = gettext("Try again");
    retry.addEventListener("click", () => this.load(load));
    this.#element.replaceChildren(this.#texts.failed, " ", retry);
  }
}
