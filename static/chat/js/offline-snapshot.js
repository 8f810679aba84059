/** Offline snapshot: the current data of the room's page, which the service worker stores for use without a network. */

import { Retry } from "../../base/js/retry.js";

/** How often a snapshot is sent at most (milliseconds). */
const SEND_INTERVAL = 3000;

/** @typedef {import("./timeline/message-element.js").Message} Message */

export class OfflineSnapshot {
  #target;
  #maxMessages;
  #now;
  #fetchLast;
  /** @type {Map<number, Message>} the last messages of the room, by number */
  #messages = new Map();
  #from = 0; // all messages from this number on are known; 0: all messages of the room
  #isComplete = false;
  #isReset = false; // the next snapshot replaces the last, though its seq may be lower: the database was restored
  #generation = 0; // grows when the messages are removed, so that a page requested before is dropped
  #refreshing = new Retry(() => this.#refresh());
  #timer = 0;
  #isDue = false;

  /**
   * @param {{room: string, you: number}} target the room's address, and the person's id
   * @param {number} maxMessages
   * @param {object} sources
   * @param {() => object} sources.now returns the rest of the page's data
   * @param {() => Promise<{messages: Message[], isLast: boolean}>} sources.fetchLast fetches the room's last messages
   * @param {AbortSignal} signal aborted when the room is left
   */
  constructor(target, maxMessages, { now, fetchLast }, signal) {
    this.#target = target;
    this.#maxMessages = maxMessages;
    this.#now = now;
    this.#fetchLast = fetchLast;
    document.addEventListener("visibilitychange", () => document.hidden && this.#isDue && this.#send(), { signal });
    navigator.serviceWorker?.addEventListener("controllerchange", () => this.schedule(), { signal });
    signal.addEventListener("abort", () => this.#isDue && this.#send());
  }

  /** Remove the messages: they belong to another log, or there is a gap after them. Call `refresh` then. */
  clear() {
    this.#messages.clear();
    this.#from = 0;
    this.#isComplete = false;
    this.#isReset = true;
    this.#generation += 1;
  }

  /**
   * @param {Message[]} messages the room's last ones, oldest first; messages received before are kept
   * @param {boolean} isStart whether they include the room's first message
   */
  begin(messages, isStart) {
    const received = [...this.#messages.values()];
    this.#messages.clear();
    this.#from = isStart ? 0 : messages[0].number;
    this.#isComplete = true;
    for (const message of [...messages, ...received]) this.#add(message);
    this.schedule();
  }

  /** The connection is a new one. A page that opened earlier in the history does not have the last messages: fetch them. */
  refresh() {
    this.#refreshing.run();
  }

  async #refresh() {
    if (this.#isComplete) return this.schedule();
    const generation = this.#generation;
    const { messages, isLast } = await this.#fetchLast();
    if (generation === this.#generation) this.begin(messages, isLast);
  }

  /** @param {Message} message in its current state */
  receive(message) {
    this.#add(message);
    this.schedule();
  }

  /** Send a snapshot, at once if none was sent lately. */
  schedule() {
    this.#isDue = true;
    if (!this.#timer) this.#send();
  }

  #add(message) {
    const { number, seq } = message;
    if (number < this.#from || this.#messages.get(number)?.seq >= seq) return;
    this.#messages.set(number, message);
    if (this.#messages.size > this.#maxMessages) this.#drop(Math.min(...this.#messages.keys()));
  }

  #drop(number) {
    this.#messages.delete(number);
    this.#from = number + 1;
  }

  #send() {
    const worker = navigator.serviceWorker?.controller;
    if (!this.#isComplete || !worker) return;
    const messages = [...this.#messages.values()].sort((one, other) => one.number - other.number);
    const seen = { ...this.#now(), messages, is_start: this.#from === 0, is_end: true };
    worker.postMessage({ ...this.#target, seen, isReset: this.#isReset });
    this.#isDue = this.#isReset = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      if (this.#isDue) this.#send();
    }, SEND_INTERVAL);
  }
}
