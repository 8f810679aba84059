/** Background sender: sends unsent messages of rooms that are not open in this tab, whose own tabs may have been closed. */

import { isRefusal, requestedDelay } from "../../../base/js/reconnecting-socket.js";
import { Retry } from "../../../base/js/retry.js";
import { InOrderSender } from "./in-order-sender.js";
import { Outbox, roomsWithUnsent } from "./outbox.js";

/** Time limit for a room (milliseconds). */
const ROOM_TIMEOUT = 15_000;

const LOCK = "lobby.delivering.";

export class BackgroundSender {
  #you;

  /** The key of the room that is open in this tab, which sends its own messages. @type {string | undefined} */
  here;

  #retry = new Retry(() => this.#sendAll());

  /** @param {number} you the person's id */
  constructor(you) {
    this.#you = you;
  }

  /**
   * Send the unsent messages of all rooms now, in one tab at a time, and again while some wait. The server stores a message
   * that two tabs send once, by its client_id. The messages of a room that the server refuses wait for the next call, or
   * until the room is opened.
   */
  send() {
    this.#retry.run();
  }

  /** @returns {Promise<number | null>} see `Retry` */
  async #sendAll() {
    const rooms = roomsWithUnsent(this.#you).filter((room) => room !== this.here);
    if (!rooms.length) return null;
    if (!navigator.locks) return this.#sendRooms(rooms); // over plain HTTP
    const sendIfLocked = (lock) => (lock ? this.#sendRooms(rooms) : 0); // 0: another tab is sending them
    return navigator.locks.request(LOCK + this.#you, { ifAvailable: true }, sendIfLocked);
  }

  async #sendRooms(rooms) {
    const delays = [];
    for (const room of rooms) delays.push(await sendRoom(room, this.#you));
    const wanted = delays.filter((delay) => delay !== null);
    return wanted.length ? Math.max(...wanted) : null;
  }
}

/**
 * Send the unsent messages of a room, until all are sent or no more can be.
 * @param {string} room its key
 * @returns {Promise<number | null>} how long to wait before those that are left can be sent (milliseconds): null if none is,
 *   or if the server refuses the person or the room, and 0 if the server does not say
 */
async function sendRoom(room, you) {
  const outbox = new Outbox(`${you}.${room}`, () => {}, AbortSignal.timeout(ROOM_TIMEOUT));
  const [first] = outbox.waiting;
  if (!first) return null; // messages that were refused for good are shown in their room
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const address = `/ws/chat/${encodeURIComponent(first.room ?? room)}/?you=${you}`;
  const socket = new WebSocket(`${scheme}://${location.host}${address}`, "lobby.v1");
  const sender = new InOrderSender(outbox, (command) => {
    socket.send(JSON.stringify(command));
    return true;
  });
  /** @type {number | null | undefined} */
  let delay;

  function receive({ type, you: person, client_id: clientId, detail, retry_after: retryAfter }) {
    if (type === "message") outbox.remove(clientId);
    else if (type === "error" && clientId && !retryAfter) outbox.fail(clientId, detail);
    else if (type === "error") return end(retryAfter * 1000 || 0);
    else if (type === "welcome" && person?.id !== you) return end(null);
    if (type === "welcome") sender.sendNext();
    else sender.answered(clientId);
    if (!outbox.waiting.length) end(null);
  }

  function end(after) {
    delay = after;
    socket.close();
  }

  const timer = setTimeout(() => socket.close(), ROOM_TIMEOUT);
  return new Promise((resolve) => {
    socket.onmessage = ({ data }) => JSON.parse(data).forEach(receive);
    socket.onclose = ({ code, reason }) => {
      clearTimeout(timer);
      if (isRefusal(code)) resolve(null);
      else resolve(delay === undefined ? requestedDelay(reason) : delay);
    };
  });
}
