/** Keys that open the next room of the sidebar: Alt with an arrow; with Shift as well, the next one with unread messages. */

import { isOfInputMethod } from "../../../base/js/input-method.js";

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

/** @param {HTMLElement} list of rooms */
export function listenForRoomKeys(list) {
  document.addEventListener("keydown", (event) => {
    const { key, altKey, ctrlKey, metaKey, shiftKey } = event;
    if (!STEPS[key] || !altKey || ctrlKey || metaKey || isOfInputMethod(event) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    findNext([...list.querySelectorAll("a[data-room]")], STEPS[key], shiftKey)?.click();
  });
}

/**
 * @param {HTMLElement[]} rooms
 * @param {number} step
 * @param {boolean} isUnread whether to skip rooms without unread messages
 * @returns {HTMLElement | undefined} After the last room comes the first one.
 */
function findNext(rooms, step, isUnread) {
  const here = rooms.findIndex((room) => room.matches("[aria-current]"));
  const later = [...rooms.slice(here + 1), ...rooms.slice(0, Math.max(here, 0))];
  if (step < 0) later.reverse();
  return later.find((room) => !isUnread || room.querySelector(".unread-badge:not([hidden])"));
}
