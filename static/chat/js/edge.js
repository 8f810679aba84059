/** An end of what is shown of the history: more is loaded as it comes near, and where there is no more it says so. */

import { gettext } from "../../base/js/i18n.js";

/** More is fetched before it is needed (pixels beyond the view). */
const AHEAD = 800;

export class Edge {
  #place;
  #said;
  #load;
  #near;
  #isLoading = false;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} place what stands at that end
   * @param {{loading: string, failed: string, last: string}} said
   * @param {() => Promise<void>} load show more
   */
  constructor(scroller, place, said, load) {
    this.#place = place;
    this.#said = said;
    this.#load = load;
    const near = (entries) => entries.at(-1).isIntersecting && !this.#isLoading && this.load();
    this.#near = new IntersectionObserver(near, { root: scroller, rootMargin: `${AHEAD}px 0px` });
  }

  /** @param {boolean} isLast whether there is nothing beyond */
  show(isLast) {
    this.rest(); // an observer speaks of changes only: looking anew asks whether this end is still near
    if (isLast) this.#place.textContent = this.#said.last;
    if (!isLast) this.#near.observe(this.#place);
  }

  /** Load nothing until it is shown anew. */
  rest() {
    this.#near.unobserve(this.#place);
    this.#place.textContent = "";
  }

  /** @param {() => Promise<void>} [load] instead of what is loaded as this end comes near */
  async load(load = this.#load) {
    this.#isLoading = true;
    this.#place.textContent = this.#said.loading;
    try {
      await load();
    } catch {
      this.#offerRetry(load);
    } finally {
      this.#isLoading = false;
    }
  }

  #offerRetry(load) {
    this.rest();
    const retry = document.createElement("button");
    retry.textContent = gettext("Try again");
    retry.addEventListener("click", () => this.load(load));
    this.#place.replaceChildren(this.#said.failed, " ", retry);
  }
}
