/** Background sender: sends unsent messages of rooms that are not open in this tab, whose own tabs may have been closed. */

import { InOrderSender } from "./in-order-sender.js";
import { Outbox, roomsWithUnsent } from "./outbox.js";

/** Time limit for a room (milliseconds). */
const ROOM_TIMEOUT = 15_000;

const LOCK = "lobby.delivering.";

/**
 * Send the unsent messages of all rooms, in one tab at a time. The server stores a message that two tabs send once, by its
 * client_id. Messages that cannot be sent now wait for the next call, or until their room is opened.
 * @param {number} you the person's id
 * @param {string} [here] the key of the room that is open in this tab, which sends its own messages
 */
export async function sendInBackground(you, here) {
  const sendAll = async () => {
    for (const room of roomsWithUnsent(you)) if (room !== here) await sendRoom(room, you);
  };
  if (!navigator.locks) return sendAll(); // over plain HTTP
  const sendIfLocked = (lock) => lock && sendAll();
  await navigator.locks.request(LOCK + you, { ifAvailable: true }, sendIfLocked);
}

/** @param {string} room its key @returns {Promise<void>} resolves when all messages are sent, or no more can be */
async function sendRoom(room, you) {
  const outbox = new Outbox(`${you}.${room}`);
  const [first] = outbox.waiting;
  if (!first) return; // messages that were refused for good are shown in their room
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const address = `/ws/chat/${encodeURIComponent(first.room ?? room)}/?you=${you}`;
  const socket = new WebSocket(`${scheme}://${location.host}${address}`, "lobby.v1");
  const sender = new InOrderSender(outbox, (command) => {
    socket.send(JSON.stringify(command));
    return true;
  });

  function receive({ type, you: person, client_id: clientId }) {
    if (type === "message") {
      outbox.remove(clientId);
      sender.answered(clientId);
    } else if (type === "welcome" && person?.id === you) sender.sendNext();
    else if (type === "welcome" || type === "error") socket.close();
    if (!outbox.waiting.length) socket.close();
  }

  await new Promise((resolve) => {
    socket.onmessage = ({ data }) => JSON.parse(data).forEach(receive);
    socket.onclose = () => resolve();
    setTimeout(() => socket.close(), ROOM_TIMEOUT);
  });
}
