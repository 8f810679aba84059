/** A socket that comes back by itself until the server says that it must not. */

import { onWake } from "./wake.js";

/** How long to wait before trying again: anything up to this, doubled with each failure (milliseconds). */
const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;

/** How long a connection must last until the wait after it is a short one again, if nothing was acknowledged (milliseconds). */
const PROOF = 10_000;

/** The same after a restart, which all tabs notice at once (milliseconds), and the code that tells of it. */
const FIRST_DELAY_OF_ALL = 3000;
const RESTARTS = 1012;

/** The reason of a server that has no room now: when to come back (seconds). We believe so much of it (milliseconds). */
const RETRY_AFTER = /^retry_after=(\d+(?:\.\d+)?)$/;
const LONGEST_RETRY_AFTER = 60_000;

/** How long a server may take to greet, and to answer what expects an answer (milliseconds). */
const PATIENCE = 10_000;
const ANSWER_PATIENCE = 15_000;

/** How long nothing may arrive before we send a ping (milliseconds). Browsers hide the protocol's own pings from pages. */
const SILENCE = 25_000;
const PING = '{"type":"ping"}';
const PONG = '[{"type":"pong"}]';

/** What we speak. A server of the version before chooses the second, and gets no pings. */
const WITH_PINGS = "lobby.v1.1";
const PROTOCOLS = [WITH_PINGS, "lobby.v1"];

/**
 * The code of a session that has ended, and how often we come back all the same: who signs up or changes the
 * password in another tab has a new session, of which this browser hears a moment later than we hear of the end.
 */
export const SIGNED_OUT = 4401;
const MOST_SIGNED_OUT = 3;

/** The codes for a person who was deactivated and may come back, and for one who was deleted. */
export const REMOVED = 4403;
export const DELETED = 4410;

export class LastingSocket {
  #options;
  /** @type {WebSocket | null} */
  #socket = null;
  #isOpen = false;
  #failures = 0;
  #signedOut = 0;
  #mayReturn = false;
  #timer = 0;
  #doubt = 0;
  #silence = 0;
  #proof = 0;

  /**
   * @param {object} options
   * @param {() => string} options.address the path and query to connect to, asked each time
   * @param {(said: any) => boolean} options.isGreeting whether a frame says that the server has let us in
   * @param {(said: any) => boolean} [options.isForMe] whether it greets the person whom this page is for
   * @param {(said: any) => void} options.onFrame with each frame, which is JSON
   * @param {(state: "open" | "waiting" | "refused", code?: number) => void} options.onState and the code of a refusal,
   *   or of the end of the session before this one
   */
  constructor(options) {
    this.#options = options;
    addEventListener("online", () => this.#retryNow());
    addEventListener("offline", () => this.#lose());
    document.addEventListener("visibilitychange", () => document.hidden || this.#retryNow());
    onWake(() => this.#renew());
    this.#connect();
  }

  /**
   * @param {string} text
   * @param {boolean} [expectsAnswer] whether silence would then mean that the connection is dead
   * @returns {boolean} whether it went out; if not, the next greeting is the time for it
   */
  send(text, expectsAnswer = false) {
    if (this.#isOpen) {
      this.#socket.send(text);
      // Nothing tells that the other side has gone without a word, but that it does not answer.
      if (expectsAnswer) this.#doubt ||= setTimeout(() => this.#lose(), ANSWER_PATIENCE);
    }
    return this.#isOpen;
  }

  /** Connect again at once, even after a refusal. */
  retry() {
    if (this.#socket) this.#drop();
    clearTimeout(this.#timer);
    this.#options.onState("waiting");
    this.#connect();
  }

  /** Note that the server works: a server that lets us in and then fails must not see us at once again and again. */
  confirm() {
    this.#failures = 0;
  }

  #connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${this.#options.address()}`, PROTOCOLS);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lose(), PATIENCE);
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  #receive(text) {
    this.#trust();
    this.#silence = setTimeout(() => this.#ping(), SILENCE);
    if (text === PONG) return;
    const said = JSON.parse(text);
    if (!this.#isOpen && this.#options.isGreeting(said)) {
      if (!(this.#options.isForMe?.(said) ?? true)) return this.#closed(SIGNED_OUT);
      this.#open();
    }
    this.#options.onFrame(said);
  }

  #closed(code, reason = "") {
    if (code < 4400 || code >= 4500) return this.#lose(code, reason);
    if (code !== SIGNED_OUT && !this.#signedOut) return this.#refuse(code);
    if (!this.#signedOut) this.#failures = 0; // somebody answers
    if (++this.#signedOut > MOST_SIGNED_OUT) return this.#refuse(SIGNED_OUT);
    this.#lose(code);
  }

  #open() {
    clearTimeout(this.#timer);
    const code = this.#signedOut || this.#mayReturn ? SIGNED_OUT : undefined;
    this.#proof = setTimeout(() => this.confirm(), PROOF);
    this.#signedOut = 0;
    this.#mayReturn = false;
    this.#isOpen = true;
    this.#options.onState("open", code);
  }

  /** Give the socket up, whatever its state, and plan the next one. */
  #lose(code, reason = "") {
    if (!this.#socket) return;
    this.#drop();
    this.#options.onState("waiting");
    const asked = RETRY_AFTER.exec(reason);
    this.#timer = setTimeout(() => this.#connect(), asked ? this.#delayAsked(asked[1]) : this.#delay(code));
  }

  /** The server spreads those who come: we add nothing, and nothing makes us come earlier. */
  #delayAsked(seconds) {
    this.#failures = 0;
    return Math.min(LONGEST_RETRY_AFTER, seconds * 1000);
  }

  #delay(code) {
    const first = code === RESTARTS ? FIRST_DELAY_OF_ALL : FIRST_DELAY;
    return Math.random() * Math.min(LONGEST_DELAY, first * 2 ** this.#failures++);
  }

  #refuse(code) {
    this.#drop();
    this.#failures = this.#signedOut = 0;
    this.#mayReturn = code === SIGNED_OUT;
    if ([SIGNED_OUT, REMOVED, DELETED].includes(code)) forgetRooms();
    this.#options.onState("refused", code);
  }

  #drop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#proof);
    this.#trust();
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
    this.#isOpen = false;
  }

  #trust() {
    clearTimeout(this.#silence);
    clearTimeout(this.#doubt);
    this.#doubt = 0;
  }

  #ping() {
    if (this.#socket.protocol === WITH_PINGS) this.send(PING, true);
  }

  /** The socket may be dead without knowing: a new one costs little. */
  #renew() {
    if (this.#socket) this.retry();
    else this.#retryNow();
  }

  /** The network or the reader is back, who may have signed in again: there is no reason to wait any longer. */
  #retryNow() {
    if (this.#socket || !(this.#failures || this.#mayReturn)) return;
    clearTimeout(this.#timer);
    this.#connect();
  }
}

/** Have the service worker forget the rooms that it keeps for the person. */
function forgetRooms() {
  navigator.serviceWorker?.controller?.postMessage({ forget: true });
}
