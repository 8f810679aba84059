/** A room's page as the server renders it: the parts of the document that belong to the room, and what it was made for. */

const SELECTORS = ["#room-name", "#room-data", ".room__main", "#people"];

/**
 * @typedef {object} RoomPage
 * @property {Element[]} parts before scripts have changed them
 * @property {any} data of the room: see `_open` in chat/views.py
 * @property {Element} rooms the list in the sidebar
 * @property {string} title
 * @property {string} files the scripts and stylesheets that the page needs; another version of Lobby has others
 */

/**
 * @param {Document} page one that was parsed, or the shown one before modules have changed it
 * @returns {RoomPage | null} null if the page shows no room
 */
export function readRoomPage(page) {
  const found = SELECTORS.map((selector) => page.querySelector(selector));
  if (!found.every(Boolean)) return null;
  const parts = found.map((part) => /** @type {Element} */ (part.cloneNode(true)));
  parts.forEach(removeEarlyInput);
  const files = [...page.querySelectorAll("head script[src], head link[rel=stylesheet]")];
  return {
    parts,
    data: JSON.parse(page.getElementById("room-data").textContent),
    rooms: page.getElementById("rooms"),
    title: page.title,
    files: files.map((file) => file.getAttribute("src") ?? file.getAttribute("href")).join(" "),
  };
}

/** Remove what early-input.js may have written into a part: it belongs to the room that is shown first, once. */
function removeEarlyInput(part) {
  const input = part.querySelector("#chat-message-input");
  if (!input) return;
  input.value = "";
  delete input.dataset.enters;
  delete input.dataset.composing;
  part.querySelector("#state").hidden = true;
}

/** Show a room's parts in place of those of another room. @param {RoomPage} page */
export function showRoomPage({ parts }) {
  for (const [index, selector] of SELECTORS.entries()) {
    document.querySelector(selector).replaceWith(document.importNode(parts[index], true));
  }
}
