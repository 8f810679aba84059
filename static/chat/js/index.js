/** The index: what is typed right after loading reaches the input, and finds rooms on the way. */

import "../../base/js/presses.js";
import { LastingSocket } from "../../base/js/lasting-socket.js";
import { deliver } from "./deliver.js";
import { Finder } from "./finder.js";
import { Notifier } from "./notifier.js";
import { Unread } from "./unread.js";

const input = /** @type {HTMLInputElement} */ (document.getElementById("room-name-input"));
input.focus(); // `autofocus` may come a moment late

const rooms = document.getElementById("rooms");
new Finder(input, rooms);

if (rooms.dataset.you) {
  const you = Number(rooms.dataset.you);
  const notifier = new Notifier(you);
  const unread = new Unread(rooms, (...more) => notifier.tell(...more), (room) => notifier.close(room));
  document.addEventListener("visibilitychange", () => document.hidden || notifier.isRefused || deliver(you));
  new LastingSocket({
    address: () => `/ws/me/?you=${you}`,
    isGreeting: () => true, // the server refuses when the browser is somebody else's
    onFrame: (events) => events.forEach((event) => unread.receive(event)),
    onState: (state) => {
      notifier.isRefused = state === "refused"; // the page is of use all the same
      if (state === "open") deliver(you);
    },
  });
}
