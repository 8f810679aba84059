/** Index page: the form to enter a room, and the directory of rooms. */

import "../../base/js/key-repeat.js";
import { changes } from "./frame.js";
import { RoomSearch } from "./sidebar/room-search.js";

/** How often the directory is loaded again, at most (milliseconds). */
const REFRESH_INTERVAL = 3000;

const input = /** @type {HTMLInputElement} */ (document.getElementById("room-name-input"));
input.focus(); // `autofocus` may take effect too late

const search = new RoomSearch(input, document.getElementById("directory"));
input.form.addEventListener("submit", (event) => {
  event.preventDefault();
  search.enter();
});

const newRoom = /** @type {HTMLInputElement} */ (document.getElementById("create-room-name"));
newRoom.form.addEventListener("submit", (event) => {
  event.preventDefault();
  newRoom.form.hidePopover();
  input.value = newRoom.value;
  search.enter(); // asks about a name like that of a room
});

let timer = 0;
let refreshedAt = Date.now();

changes.addEventListener("unlisted", () => search.refresh());
changes.addEventListener("unread", refresh);
document.addEventListener("visibilitychange", refresh);

/** Load the directory again: last messages, people and the order have changed. */
function refresh() {
  if (timer || document.hidden) return;
  timer = setTimeout(() => {
    [timer, refreshedAt] = [0, Date.now()];
    search.refresh();
  }, Math.max(0, refreshedAt + REFRESH_INTERVAL - Date.now()));
}
