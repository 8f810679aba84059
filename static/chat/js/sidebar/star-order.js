/** Order of the starred rooms: the mouse drags a room to its place. (Its menu moves it, too.) */

/** @param {Element} room @returns {number} its place among the starred rooms, from 1 */
export function placeOf(room) {
  return [...room.closest("ul").children].indexOf(room.closest("li")) + 1;
}

/** @param {Element} list of rooms @returns {boolean} whether a room of it is pressed or dragged: a new list would end that */
export function isHeld(list) {
  return list.querySelector("[data-dragged], :active") !== null;
}

/**
 * @param {HTMLElement} list of rooms
 * @param {(room: Element) => void} onMove called for a room that was dragged to another place
 * @param {() => void} onCancel called when a room stays where it was: the list is out of date
 */
export function listenForDrags(list, onMove, onCancel) {
  /** @type {{item: HTMLElement, from: number} | null} */
  let dragged = null;
  list.addEventListener("dragstart", ({ target, dataTransfer }) => {
    const item = /** @type {Element} */ (target).closest(".sidebar__starred li");
    dragged = item && { item, from: placeOf(item) };
    if (!item) return;
    item.dataset.dragged = "";
    dataTransfer.effectAllowed = "all"; // a link cannot be moved otherwise
  });
  list.addEventListener("dragover", (event) => {
    const over = /** @type {Element} */ (event.target).closest(".sidebar__starred li");
    if (!over || !dragged?.item.isConnected) return; // the list may be a new one
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    const { top, height } = over.getBoundingClientRect();
    const [side, neighbour] = event.clientY > top + height / 2 ? ["after", "nextSibling"] : ["before", "previousSibling"];
    if (over !== dragged.item && over[neighbour] !== dragged.item) over[side](dragged.item);
  });
  list.addEventListener("drop", (event) => dragged && event.preventDefault());
  list.addEventListener("dragend", ({ dataTransfer }) => {
    if (!dragged) return;
    const { item, from } = dragged;
    dragged = null;
    delete item.dataset.dragged;
    if (dataTransfer.dropEffect === "move" && placeOf(item) !== from) onMove(item.querySelector("a"));
    else onCancel();
  });
}
