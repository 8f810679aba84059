/** Index page: search and list of rooms with unread counts, and notifications. */

import "../../base/js/cut-names.js";
import "../../base/js/key-repeat.js";
import { ReconnectingSocket } from "../../base/js/reconnecting-socket.js";
import { BackgroundSender } from "./outbox/background-sender.js";
import { watchUnsent } from "./outbox/outbox.js";
import { RoomSearch } from "./sidebar/room-search.js";
import { DesktopNotifications } from "./notifications/desktop-notifications.js";
import { UnreadCounts } from "./unread/unread-counts.js";

const input = /** @type {HTMLInputElement} */ (document.getElementById("room-name-input"));
input.focus(); // `autofocus` may take effect too late

const rooms = document.getElementById("rooms");
const search = new RoomSearch(input, rooms);
input.form.addEventListener("submit", (event) => {
  event.preventDefault();
  search.enter();
});

if (rooms.dataset.you) {
  const you = Number(rooms.dataset.you);
  const notifications = new DesktopNotifications(you);
  const unread = new UnreadCounts(
    rooms,
    (...more) => notifications.notify(...more),
    (room) => notifications.close(room),
    () => search.refresh(),
  );
  const background = new BackgroundSender(you);
  watchUnsent(you, () => notifications.isRefused || background.send());
  new ReconnectingSocket({
    address: () => `/ws/me/?you=${you}`,
    isGreeting: () => true, // the server refuses another person
    onFrame: (events) => events.forEach((event) => unread.receive(event)),
    onState: (state) => {
      notifications.isRefused = state === "refused"; // the page is useful all the same
      if (state === "open") background.send();
    },
  });
}
