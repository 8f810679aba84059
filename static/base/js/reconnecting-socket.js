/** Reconnecting WebSocket: it connects again after every loss, until the server refuses it. */

import { backoff } from "./backoff.js";
import { onWake } from "./sleep-detector.js";

/** Backoff (milliseconds). */
const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;

/** A connection that lasts so long resets the backoff, even if nothing was acknowledged (milliseconds). */
const STABLE_TIME = 10_000;

/** First delay after a restart, which all tabs notice at the same time (milliseconds), and its close code. */
const RESTART_DELAY = 3000;
const RESTARTS = 1012;

/** Close reason of a server that is full: when to retry (seconds). Longer times are cut to the limit (milliseconds). */
const RETRY_AFTER = /^retry_after=(\d+(?:\.\d+)?)$/;
const LONGEST_RETRY_AFTER = 60_000;

/** Time limits for the greeting, and for the answer to a command that expects one (milliseconds). */
const GREETING_TIMEOUT = 10_000;
const ANSWER_TIMEOUT = 15_000;

/** After so long without a frame the client sends a ping (milliseconds). Pages cannot see the protocol's own pings. */
const PING_INTERVAL = 25_000;
const PING = '{"type":"ping"}';
const PONG = '[{"type":"pong"}]';

/** Subprotocols. A server of the version before selects the second, and gets no pings. */
const WITH_PINGS = "lobby.v1.1";
const PROTOCOLS = [WITH_PINGS, "lobby.v1"];

/**
 * Close code of a session that has ended, and how often the client retries all the same: after a sign-up or a change of
 * password in another tab, the cookie of the new session arrives a moment later than the end of the old one.
 */
export const SIGNED_OUT = 4401;
const SIGNED_OUT_RETRIES = 3;

/** Close codes for an account that was deactivated and may be restored, and for a deleted account. */
export const REMOVED = 4403;
export const DELETED = 4410;

/** Whether a close code means that the server refuses the person or the page, so that reconnecting does not help. */
export function isRefusal(code) {
  return code >= 4400 && code < 4500;
}

/** @param {string} reason of a close @returns {number} the delay that the server requests (milliseconds), 0 for none */
export function requestedDelay(reason) {
  const requested = RETRY_AFTER.exec(reason);
  return requested ? Math.min(LONGEST_RETRY_AFTER, requested[1] * 1000) : 0;
}

export class ReconnectingSocket {
  #options;
  /** @type {WebSocket | null} */
  #socket = null;
  #isOpen = false;
  #failures = 0;
  #signedOutCount = 0;
  #mayReturn = false;
  #timer = 0;
  #answerTimer = 0;
  #pingTimer = 0;
  #stableTimer = 0;
  #closing = new AbortController();

  /**
   * @param {object} options
   * @param {() => string} options.address returns path and query; called for each connection
   * @param {string[]} [options.subprotocols] those that the client offers; none for a plain consumer
   * @param {(frame: any) => boolean} [options.isGreeting] whether a frame confirms the connection; without it, the
   *   connection is confirmed as soon as it is open, which suits a plain consumer
   * @param {boolean} [options.isForMembers] whether a removal may only end a membership, and not the session
   * @param {(frame: any) => boolean} [options.isForMe] whether the greeting is for this page's person
   * @param {(frame: any) => void} options.onFrame called with each frame, parsed as JSON
   * @param {(state: "open" | "waiting" | "refused", code?: number) => void} options.onState called with the state, and
   *   with the close code of a refusal or of the session before this one
   */
  constructor(options) {
    this.#options = options;
    const { signal } = this.#closing;
    addEventListener("online", () => this.#retryNow(), { signal });
    addEventListener("offline", () => this.#reconnectLater(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.#retryNow(), { signal });
    onWake(() => this.#renew(), signal);
    this.#connect();
  }

  /**
   * @param {string} text
   * @param {boolean} [expectsAnswer] whether the connection counts as dead if no frame follows
   * @returns {boolean} whether it was sent; if not, send it after the next greeting
   */
  send(text, expectsAnswer = false) {
    if (this.#isOpen) {
      this.#socket.send(text);
      // A dead connection shows only in the missing answer.
      if (expectsAnswer) this.#answerTimer ||= setTimeout(() => this.#reconnectLater(), ANSWER_TIMEOUT);
    }
    return this.#isOpen;
  }

  /** Reconnect at once, even after a refusal. */
  retry() {
    if (this.#socket) this.#drop();
    clearTimeout(this.#timer);
    this.#options.onState("waiting");
    this.#connect();
  }

  /** Close the connection for good. The state does not change any more. */
  close() {
    this.#closing.abort();
    clearTimeout(this.#timer);
    if (this.#socket) this.#drop();
  }

  /** Reset the backoff: the server works. A greeting does not prove that, since the server may fail right after it. */
  confirm() {
    this.#failures = 0;
  }

  #connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const { address, subprotocols = PROTOCOLS, isGreeting } = this.#options;
    const url = new URL(`${scheme}://${location.host}${address()}`);
    url.searchParams.set("language", document.documentElement.lang); // another may have been chosen since
    const socket = new WebSocket(url, subprotocols);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#timedOut(), GREETING_TIMEOUT);
    if (!isGreeting) socket.onopen = () => this.#open();
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  #receive(text) {
    this.#stopLivenessTimers();
    this.#pingTimer = setTimeout(() => this.#ping(), PING_INTERVAL);
    if (text === PONG) return;
    const frame = JSON.parse(text);
    if (!this.#isOpen && this.#options.isGreeting?.(frame)) {
      if (!(this.#options.isForMe?.(frame) ?? true)) return this.#closed(SIGNED_OUT);
      this.#open();
    }
    this.#options.onFrame(frame);
  }

  /** The connection is not open or not greeted. In the second case the consumer may not know the greeting. */
  #timedOut() {
    if (this.#socket.readyState === WebSocket.OPEN) {
      console.warn(
        `ReconnectingSocket: ${this.#socket.url} is open, but no frame was a greeting within ${GREETING_TIMEOUT / 1000} s.`,
        "Does its consumer send what `isGreeting` expects? Without `isGreeting`, no greeting is needed.",
      );
    }
    this.#reconnectLater();
  }

  #closed(code, reason = "") {
    if (!isRefusal(code)) return this.#reconnectLater(code, reason);
    if (code !== SIGNED_OUT && !this.#signedOutCount) return this.#refuse(code);
    if (!this.#signedOutCount) this.#failures = 0; // the server answers
    if (++this.#signedOutCount > SIGNED_OUT_RETRIES) return this.#refuse(SIGNED_OUT);
    this.#reconnectLater(code);
  }

  #open() {
    clearTimeout(this.#timer);
    const code = this.#signedOutCount || this.#mayReturn ? SIGNED_OUT : undefined;
    this.#stableTimer = setTimeout(() => this.confirm(), STABLE_TIME);
    this.#signedOutCount = 0;
    this.#mayReturn = false;
    this.#isOpen = true;
    this.#options.onState("open", code);
  }

  /** Drop the socket, whatever its state, and schedule the next one. */
  #reconnectLater(code, reason = "") {
    if (!this.#socket) return;
    this.#drop();
    this.#options.onState("waiting");
    // The server spreads its clients: no jitter is added to the delay that it requests, and no event shortens it.
    const requested = requestedDelay(reason);
    if (requested) this.#failures = 0;
    this.#timer = setTimeout(() => this.#connect(), requested || this.#delay(code));
  }

  #delay(code) {
    const first = code === RESTARTS ? RESTART_DELAY : FIRST_DELAY;
    return backoff(this.#failures++, first, LONGEST_DELAY);
  }

  #refuse(code) {
    this.#drop();
    this.#failures = this.#signedOutCount = 0;
    this.#mayReturn = code === SIGNED_OUT;
    const isOver = [SIGNED_OUT, DELETED].includes(code) || (code === REMOVED && !this.#options.isForMembers);
    if (isOver) forgetRooms(new URL(this.#options.address(), location.href).searchParams.get("you"));
    this.#options.onState("refused", code);
  }

  #drop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#stableTimer);
    this.#stopLivenessTimers();
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
    this.#isOpen = false;
  }

  #stopLivenessTimers() {
    clearTimeout(this.#pingTimer);
    clearTimeout(this.#answerTimer);
    this.#answerTimer = 0;
  }

  #ping() {
    if (this.#socket.protocol === WITH_PINGS) this.send(PING, true);
  }

  /** Replace a socket that may be dead without having been closed. */
  #renew() {
    if (this.#socket) this.retry();
    else this.#retryNow();
  }

  /** Reconnect at once: the network or the reader is back, and the reader may have signed in again. */
  #retryNow() {
    if (this.#socket || !(this.#failures || this.#mayReturn)) return;
    clearTimeout(this.#timer);
    this.#connect();
  }
}

/** Make the service worker delete the rooms that it has cached for a person; by now, it may have another's. @param {string | null} person */
function forgetRooms(person) {
  navigator.serviceWorker?.controller?.postMessage({ forget: person ?? true });
}
