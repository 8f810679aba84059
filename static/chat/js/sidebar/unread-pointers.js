/** Pointers to rooms with unread messages that are out of sight in the sidebar: "2 unread rooms below". */

import { ngettext } from "../../../base/js/i18n.js";

/** @param {HTMLElement} list scrolls its rooms */
export function pointToUnread(list) {
  const above = new Pointer(list, "above", (count) => ngettext("{count} unread room above", "{count} unread rooms above", count));
  const below = new Pointer(list, "below", (count) => ngettext("{count} unread room below", "{count} unread rooms below", count));
  let frame = 0;
  const update = () => {
    frame = 0;
    const { top, bottom } = list.getBoundingClientRect();
    const unread = [...list.querySelectorAll("a:has(.unread-badge:not([hidden]))")];
    above.show(unread.filter((room) => middle(room) < top).reverse());
    below.show(unread.filter((room) => middle(room) > bottom));
  };
  const updateSoon = () => (frame ||= requestAnimationFrame(update));
  list.addEventListener("scroll", updateSoon, { passive: true });
  new ResizeObserver(updateSoon).observe(list);
  new MutationObserver(updateSoon).observe(list, { childList: true, subtree: true, attributeFilter: ["hidden", "class"] });
}

function middle(room) {
  const { top, bottom } = room.getBoundingClientRect();
  return (top + bottom) / 2;
}

class Pointer {
  #button = document.createElement("button");
  #label;
  /** @type {HTMLElement[]} the nearest first */
  #rooms = [];

  /** @param {HTMLElement} list @param {"above" | "below"} side @param {(count: number) => string} label */
  constructor(list, side, label) {
    this.#label = label;
    Object.assign(this.#button, { type: "button", hidden: true, className: "unread-pointer__button" });
    this.#button.addEventListener("click", () => this.#follow());
    const pointer = document.createElement("div");
    pointer.className = `unread-pointer unread-pointer--${side}`;
    pointer.append(this.#button);
    if (side === "above") list.before(pointer);
    else list.after(pointer);
  }

  show(rooms) {
    this.#rooms = rooms;
    this.#button.hidden = rooms.length === 0;
    this.#button.classList.toggle("unread-pointer__button--mention", rooms.some(hasMention));
    if (rooms.length) this.#button.textContent = this.#label(rooms.length);
  }

  /** Show the nearest room, and give it the focus, since the pointer may disappear. */
  #follow() {
    const [room] = this.#rooms;
    room?.scrollIntoView({ block: "center" });
    room?.focus({ preventScroll: true });
  }
}

function hasMention(room) {
  return Boolean(room.querySelector(".unread-badge--mention"));
}
