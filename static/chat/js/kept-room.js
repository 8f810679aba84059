/** What this room's page would open with now: the service worker keeps it, for when there is no network. */

/** How often it is told, at most (milliseconds). */
const EVERY = 3000;

/** @typedef {import("./message.js").Message} Message */

export class KeptRoom {
  #about;
  #most;
  #now;
  #last;
  /** @type {Map<number, Message>} the last of the room, by number */
  #messages = new Map();
  #from = 0; // the number from which on all are known; 0 is the room's beginning
  #isWhole = false;
  #timer = 0;
  #isDue = false;

  /**
   * @param {{room: string, you: number}} about the room's address, and the id of the person who reads
   * @param {number} most how many messages are kept
   * @param {object} ask
   * @param {() => object} ask.now the rest of what the page would open with
   * @param {() => Promise<{messages: Message[], isLast: boolean}>} ask.last the last messages of the room
   */
  constructor(about, most, { now, last }) {
    this.#about = about;
    this.#most = most;
    this.#now = now;
    this.#last = last;
    document.addEventListener("visibilitychange", () => document.hidden && this.#isDue && this.#tell());
    navigator.serviceWorker?.addEventListener("controllerchange", () => this.note());
  }

  /** What was known is of another log, or too far away. */
  forget() {
    this.#messages.clear();
    this.#from = 0;
    this.#isWhole = false;
  }

  /**
   * @param {Message[]} messages the last of the room, the oldest first; what was received before stays
   * @param {boolean} isStart whether nothing comes before
   */
  begin(messages, isStart) {
    const received = [...this.#messages.values()];
    this.#messages.clear();
    this.#from = isStart ? 0 : messages[0].number;
    this.#isWhole = true;
    for (const message of [...messages, ...received]) this.#learn(message);
    this.note();
  }

  /** The connection is another one. A page may have opened elsewhere in the history, and not know its end. */
  async refresh() {
    if (this.#isWhole) return this.note();
    const { messages, isLast } = await this.#last().catch(() => ({}));
    if (messages) this.begin(messages, isLast);
  }

  /** @param {Message} message as it now is */
  receive(message) {
    this.#learn(message);
    this.note();
  }

  /** Something has changed. The first of it is told at once. */
  note() {
    this.#isDue = true;
    if (!this.#timer) this.#tell();
  }

  #learn(message) {
    const { number, seq } = message;
    if (number < this.#from || this.#messages.get(number)?.seq >= seq) return;
    this.#messages.set(number, message);
    if (this.#messages.size > this.#most) this.#drop(Math.min(...this.#messages.keys()));
  }

  #drop(number) {
    this.#messages.delete(number);
    this.#from = number + 1;
  }

  #tell() {
    const worker = navigator.serviceWorker?.controller;
    if (!this.#isWhole || !worker) return;
    const messages = [...this.#messages.values()].sort((one, other) => one.number - other.number);
    const seen = { ...this.#now(), messages, is_start: this.#from === 0, is_end: true };
    worker.postMessage({ ...this.#about, seen });
    this.#isDue = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      if (this.#isDue) this.#tell();
    }, EVERY);
  }
}
