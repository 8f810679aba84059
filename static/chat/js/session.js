/**
 * Session of a room's page with the server: the connection, and its events for subscribers.
 *
 * - the server's events by their types ("message", "presence" …, see docs/wire.md); the tab's cursor advances before
 *   subscribers are called, and "welcome" has `isRewound`: whether the room's log was rewound by a restored backup
 * - "caught-up": after a welcome, once the messages that were missed have been received
 * - "state": `{state, code}` of the connection (see reconnecting-socket.js)
 * - "refusal": the close code of a refusal, or undefined when commands can be sent again
 */

import { ReconnectingSocket, SIGNED_OUT } from "../../base/js/reconnecting-socket.js";
import { lastChange } from "./open-room.js";

export class Session {
  #room;
  #events = new EventTarget();
  /** @type {ReconnectingSocket | null} */
  #socket = null;
  /** @type {number | undefined} */
  #refusal;
  /** @type {number | null} the seq from which on nothing is missing, while something may be */
  #missedUpTo = null;

  /** @param {import("./open-room.js").OpenRoom} room */
  constructor(room) {
    this.#room = room;
  }

  /**
   * Subscribe to an event. Subscribers are called in the order of their subscriptions.
   * @param {string} type
   * @param {(event: any) => void} listener
   */
  on(type, listener) {
    this.#events.addEventListener(type, ({ detail }) => listener(detail));
  }

  /** Connect, once all subscribers are there. */
  connect() {
    this.#socket = new ReconnectingSocket({
      address: () => this.#address,
      isGreeting: (events) => events.some(isWelcome),
      isForMe: (events) => this.#isForMe(events.find(isWelcome)),
      onFrame: (events) => events.forEach((event) => this.#receive(event)),
      onState: (state, code) => {
        this.#missedUpTo = null;
        this.#emit("state", { state, code });
        this.#setRefusal(state === "refused" ? code : undefined);
      },
    });
  }

  /**
   * @param {object} command
   * @param {boolean} [expectsAnswer] see `ReconnectingSocket.send`
   * @returns {boolean} whether it was sent
   */
  send(command, expectsAnswer) {
    return this.#socket?.send(JSON.stringify(command), expectsAnswer) ?? false;
  }

  /** The room is left: close the connection, without an event. */
  close() {
    this.#socket?.close();
  }

  /** The close code of the refusal, after which nothing can be sent, or undefined. */
  get refusal() {
    return this.#refusal;
  }

  /** Reconnect at once, even after a refusal. */
  retry() {
    this.#socket.retry();
  }

  /** Reset the backoff of the connection: the server works. */
  confirm() {
    this.#socket.confirm();
  }

  #receive(event) {
    if (event.type === "welcome") return this.#welcomed(event);
    if (event.type === "message") {
      const { cursor } = this.#room;
      cursor.seq = Math.max(cursor.seq, event.seq);
      this.#room.updateLast(event);
    }
    this.#emit(event.type, event);
    this.#checkMissed();
  }

  #welcomed(welcome) {
    const rewound = this.#isRewound(welcome);
    const { cursor } = this.#room;
    if (!welcome.you) this.#setRefusal(SIGNED_OUT);
    cursor.epoch = welcome.epoch;
    if (welcome.reset) Object.assign(cursor, { seq: welcome.seq, ...lastChange(welcome) });
    this.#missedUpTo = welcome.seq;
    this.#emit("welcome", { ...welcome, isRewound: rewound });
    this.#checkMissed();
  }

  #checkMissed() {
    if (this.#missedUpTo === null || this.#room.cursor.seq < this.#missedUpTo) return;
    this.#missedUpTo = null;
    this.#emit("caught-up");
  }

  #setRefusal(code) {
    if (code === this.#refusal) return;
    this.#refusal = code;
    this.#emit("refusal", code);
  }

  #emit(type, detail) {
    this.#events.dispatchEvent(new CustomEvent(type, { detail }));
  }

  get #address() {
    const { seq, ...known } = this.#room.cursor;
    const query = new URLSearchParams({ you: this.#room.data.you.id, since: seq, ...known });
    return `/ws/chat/${encodeURIComponent(this.#room.name)}/?${query}`;
  }

  /**
   * Whether a greeting is for this page's person: nobody else sends what is written here. In a restored database the
   * person may be unknown. The page then shows the messages, and sends nothing.
   */
  #isForMe({ you: person, ...welcome }) {
    return person ? person.id === this.#room.data.you.id : this.#isRewound(welcome);
  }

  /** Whether the room's log was rewound: it lacks messages that this page shows, since the database was restored. */
  #isRewound({ epoch, set_back: lacksMessages }) {
    const { cursor } = this.#room;
    return Boolean(lacksMessages || (cursor.epoch && epoch !== cursor.epoch));
  }
}

function isWelcome({ type }) {
  return type === "welcome";
}
