/** A room's socket, which comes back by itself until the server says that it must not. */

import { onWake } from "./wake.js";

/** The protocol that is spoken over it. */
const SUBPROTOCOL = "lobby.v1";

/** How long to wait before trying again: anything up to this, doubled with each failure (milliseconds). */
const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;

/** The same after a restart, which all tabs notice at once (milliseconds), and the code that tells of it. */
const FIRST_DELAY_OF_ALL = 3000;
const RESTARTS = 1012;

/** How long a server may take to greet, and to answer a command that has a client_id (milliseconds). */
const PATIENCE = 10_000;
const ANSWER_PATIENCE = 15_000;

export class Connection {
  #address;
  #onEvent;
  #onState;
  /** @type {WebSocket | null} */
  #socket = null;
  #isOpen = false;
  #failures = 0;
  #timer = 0;
  #doubt = 0;

  /**
   * @param {() => string} address where to connect, asked each time
   * @param {(event: {type: string}) => void} onEvent
   * @param {(state: "open" | "waiting" | "refused", code?: number) => void} onState and the code of a refusal
   */
  constructor(address, onEvent, onState) {
    this.#address = address;
    this.#onEvent = onEvent;
    this.#onState = onState;
    addEventListener("online", () => this.#retryNow());
    addEventListener("offline", () => this.#lose());
    document.addEventListener("visibilitychange", () => document.hidden || this.#retryNow());
    onWake(() => this.#renew());
    this.#connect();
  }

  /** @returns {boolean} whether the command went out; if not, the next welcome is the time for it */
  send(command) {
    if (this.#isOpen) {
      this.#socket.send(JSON.stringify(command));
      // Nothing tells that the other side has gone without a word, but that it does not answer.
      if (command.client_id) this.#doubt ||= setTimeout(() => this.#lose(), ANSWER_PATIENCE);
    }
    return this.#isOpen;
  }

  #connect() {
    const socket = new WebSocket(this.#address(), SUBPROTOCOL);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lose(), PATIENCE);
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => (code >= 4400 && code < 4500 ? this.#refuse(code) : this.#lose(code));
  }

  #receive(events) {
    this.#trust();
    for (const event of events) {
      if (event.type === "welcome") this.#welcome();
      this.#onEvent(event);
    }
  }

  #welcome() {
    clearTimeout(this.#timer);
    this.#failures = 0;
    this.#isOpen = true;
    this.#onState("open");
  }

  /** Give the socket up, whatever its state, and plan the next one. */
  #lose(code) {
    if (!this.#socket) return;
    this.#drop();
    this.#onState("waiting");
    const first = code === RESTARTS ? FIRST_DELAY_OF_ALL : FIRST_DELAY;
    const longest = Math.min(LONGEST_DELAY, first * 2 ** this.#failures++);
    this.#timer = setTimeout(() => this.#connect(), Math.random() * longest);
  }

  #refuse(code) {
    this.#drop();
    this.#failures = 0;
    this.#onState("refused", code);
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#trust();
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
    this.#isOpen = false;
  }

  #trust() {
    clearTimeout(this.#doubt);
    this.#doubt = 0;
  }

  /** The socket may be dead without knowing: a new one costs little. */
  #renew() {
    if (!this.#socket) return this.#retryNow();
    this.#drop();
    this.#onState("waiting");
    this.#connect();
  }

  /** The network or the reader is back: there is no reason to wait any longer. */
  #retryNow() {
    if (this.#socket || !this.#failures) return;
    clearTimeout(this.#timer);
    this.#connect();
  }
}
