/** What is unread, in all rooms together: the tab's title and icon tell. */

/** From here on a count says no more than that it is at least that. */
const MOST = 100;

/** @param {number} count */
export function written(count) {
  return count < MOST ? String(count) : `${MOST - 1}+`;
}

export class Unread {
  /** @type {Map<string, number>} */
  #counts = new Map();
  #title = document.title;
  #icon = /** @type {HTMLLinkElement} */ (document.querySelector("link[rel=icon]"));
  #plainIcon = this.#icon.href;

  /** @param {{rooms: {room: string, count: number}[], all: boolean}} event */
  receive({ rooms, all }) {
    if (all) this.#counts.clear();
    for (const { room, count } of rooms) this.#counts.set(room, count);
    this.#tell();
  }

  #tell() {
    const sum = [...this.#counts.values()].reduce((one, other) => one + other, 0);
    document.title = sum ? `(${written(sum)}) ${this.#title}` : this.#title;
    this.#icon.href = sum ? this.#icon.dataset.unread : this.#plainIcon;
  }
}
