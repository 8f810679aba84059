/** Sends what was written in rooms that are not open here: their tabs may have been closed. */

import { Outbox, roomsOf } from "./outbox.js";

/** How long a room may take (milliseconds). */
const PATIENCE = 15_000;

const DELIVERING = "lobby.delivering.";

/**
 * Each room's messages are sent in order, one at a time; what two tabs send is stored once, by its client_id. What
 * cannot be sent now waits for another time, or for its room to be opened.
 * @param {number} you whose they are
 * @param {string} [here] the key of the room that is open, which sends its own
 */
export async function deliver(you, here) {
  const deliverAll = async () => {
    for (const room of roomsOf(you)) if (room !== here) await deliverTo(room, you);
  };
  if (!navigator.locks) return deliverAll(); // over plain HTTP
  const unlessAnotherTabIs = (lock) => lock && deliverAll();
  await navigator.locks.request(DELIVERING + you, { ifAvailable: true }, unlessAnotherTabIs);
}

/** @param {string} room its key @returns {Promise<void>} once nothing is left to send, or nothing more can be */
async function deliverTo(room, you) {
  const outbox = new Outbox(`${you}.${room}`, () => {});
  const [first] = outbox.waiting;
  if (!first) return; // what will not be sent is shown in its room
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const address = `/ws/chat/${encodeURIComponent(first.room ?? room)}/?you=${you}`;
  const socket = new WebSocket(`${scheme}://${location.host}${address}`, "lobby.v1");
  let inFlight = null;

  function sendNext() {
    const [next] = outbox.waiting;
    if (!next) return socket.close();
    inFlight = next.client_id;
    socket.send(JSON.stringify({ type: "send", message: next.message, client_id: inFlight }));
  }

  function receive({ type, you: person, client_id: clientId }) {
    if (type === "welcome" && person?.id === you) sendNext();
    else if (type === "welcome" || type === "error") socket.close();
    else if (type === "message") outbox.remove(clientId);
    if (type === "message" && clientId === inFlight) sendNext();
  }

  await new Promise((resolve) => {
    socket.onmessage = ({ data }) => JSON.parse(data).forEach(receive);
    socket.onclose = () => resolve();
    setTimeout(() => socket.close(), PATIENCE);
  });
}
