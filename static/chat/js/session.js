/**
 * Session of a room's page with the server: the connection, and its events for subscribers.
 *
 * - the server's events by their types ("message", "presence" …, see docs/wire.md); the tab's cursor advances before
 *   subscribers are called, and "welcome" has `isRewound`: whether the room's log was rewound by a restored backup
 * - "received": after the events of a batch, which are received together
 * - "caught-up": after a welcome, once the messages that were missed have been received
 * - "state": `{state, code}` of the connection (see reconnecting-socket.js)
 * - "refusal": the close code of a refusal, or undefined when commands can be sent again
 */

import { ReconnectingSocket, SIGNED_OUT } from "../../base/js/reconnecting-socket.js";
import { lastChange } from "./open-room.js";

/**
 * How many events are received at once; fewer if that takes too long (milliseconds), so that the page goes on reacting.
 * While more than so many wait, messages are skipped, and the page loads the newest ones.
 */
const MAX_BATCH = 50;
const BATCH_TIME = 16;
const MAX_WAITING = 1500;

export class Session {
  #room;
  #events = new EventTarget();
  /** @type {ReconnectingSocket | null} */
  #socket = null;
  /** @type {number | undefined} */
  #refusal;
  /** @type {number | null} the seq from which on nothing is missing, while something may be */
  #missedUpTo = null;
  /** @type {any[]} events that were not received yet */
  #waiting = [];
  #batch = MAX_BATCH;
  #next = new MessageChannel(); // its messages are tasks, also in hidden tabs, which delay timers
  #isScheduled = false;
  /** The last welcome. @type {any} */
  #welcome;

  /** @param {import("./open-room.js").OpenRoom} room */
  constructor(room) {
    this.#room = room;
    this.#next.port1.onmessage = () => this.#receiveBatch();
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
      isForMembers: Boolean(this.#room.data.title),
      isGreeting: (events) => events.some(isWelcome),
      isForMe: (events) => this.#isForMe(events.find(isWelcome)),
      onFrame: (events) => this.#add(events),
      onState: (state, code) => {
        if (state !== "open") this.#skipMessages(); // the next connection brings them again
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
    this.#next.port1.close();
    this.#waiting = [];
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

  #add(events) {
    this.#waiting.push(...events);
    if (this.#waiting.length > MAX_WAITING) this.#skipToNewest();
    else if (!this.#isScheduled) this.#receiveBatch();
  }

  #receiveBatch() {
    const begunAt = performance.now();
    for (const event of this.#waiting.splice(0, this.#batch)) this.#receive(event);
    this.#emit("received");
    const isSlow = performance.now() - begunAt > BATCH_TIME;
    this.#batch = isSlow ? Math.ceil(this.#batch / 2) : Math.min(MAX_BATCH, 2 * this.#batch);
    this.#isScheduled = this.#waiting.length > 0;
    if (this.#isScheduled) this.#next.port2.postMessage(null);
  }

  /** More messages wait than the page can show in time: load the newest ones, as after a long time without a connection. */
  #skipToNewest() {
    const skipped = this.#skipMessages();
    const newest = skipped.at(-1);
    if (!newest) return;
    for (const message of skipped) this.#emit("skipped", message);
    this.#welcomed({ ...this.#welcome, reset: true, set_back: false, seq: newest.seq, settings: null });
    this.#room.updateLast(newest);
  }

  /** Receive what waits, but for messages. @returns {any[]} these, in the order of their seqs */
  #skipMessages() {
    const waiting = this.#waiting.splice(0);
    for (const event of waiting) if (event.type !== "message") this.#receive(event);
    return waiting.filter(({ type }) => type === "message");
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
    this.#welcome = welcome;
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
