/** What is unread, in all rooms together: the tab's title and icon tell. */

import { ngettext } from "../../base/js/i18n.js";

/** From here on a count says no more than that it is at least that. */
const MOST = 100;

/** @param {number} count @returns {string} */
export function written(count) {
  return count < MOST ? String(count) : `${MOST - 1}+`;
}

/** @param {number} mentions */
function saidOf(mentions) {
  if (!mentions) return "";
  return ngettext(", {count} mentions you", ", {count} mention you", mentions, { count: written(mentions) });
}

/** @typedef {{room: string, count: number, mentions: number, involvement: string}} Room */

const NONE = { count: 0, mentions: 0 };

export class Unread {
  #list;
  /** @type {Map<string, {count: number, mentions: number}>} */
  #counts = new Map();
  #title = document.title;
  #icon = /** @type {HTMLLinkElement} */ (document.querySelector("link[rel=icon]"));
  #plainIcon = this.#icon.href;

  #onMore;
  #onFewer;

  /**
   * @param {HTMLElement} list of rooms, each with the count that it had when the page was made
   * @param {(room: Room, isMention: boolean) => void} onMore told where more is unread than was
   * @param {(room: string) => void} onFewer told where less is
   */
  constructor(list, onMore, onFewer) {
    this.#list = list;
    this.#onMore = onMore;
    this.#onFewer = onFewer;
    for (const { dataset } of this.#rooms) {
      this.#counts.set(dataset.room, { count: Number(dataset.unread), mentions: Number(dataset.mentions) });
    }
    this.#tell();
  }

  /** @param {{rooms: Room[], all: boolean}} event */
  receive({ rooms, all }) {
    const before = this.#counts;
    this.#counts = new Map(all ? [] : before);
    for (const { room, count, mentions } of rooms) this.#counts.set(room, { count, mentions });
    this.#tell();
    for (const room of rooms) this.#compare(room, before.get(room.room) ?? NONE);
    for (const [room, { count, mentions }] of before) {
      const now = this.#counts.get(room) ?? NONE;
      if (now.count < count || now.mentions < mentions) this.#onFewer(room);
    }
  }

  #compare(room, before) {
    if (room.count > before.count || room.mentions > before.mentions) {
      this.#onMore(room, room.mentions > before.mentions);
    }
  }

  #tell() {
    const sum = [...this.#counts.values()].reduce((all, { count }) => all + count, 0);
    document.title = sum ? `(${written(sum)}) ${this.#title}` : this.#title;
    this.#icon.href = sum ? this.#icon.dataset.unread : this.#plainIcon;
    for (const room of this.#rooms) this.#show(room);
  }

  /** @returns {NodeListOf<HTMLElement>} */
  get #rooms() {
    return this.#list.querySelectorAll("[data-room]");
  }

  #show(room) {
    const { count, mentions } = this.#counts.get(room.dataset.room) ?? NONE;
    const place = room.querySelector(".count");
    place.hidden = count === 0;
    place.classList.toggle("count--mention", mentions > 0);
    place.querySelector(".count__number").textContent = written(count);
    place.querySelector(".count__mentions").textContent = saidOf(mentions);
  }
}
