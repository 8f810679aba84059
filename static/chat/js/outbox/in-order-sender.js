/**
 * In-order sender: sends the messages of an outbox one at a time, each after the answer to the one before, so that none
 * overtakes a message that is rate limited.
 */

export class InOrderSender {
  #outbox;
  #send;
  /** @type {string | null} the client_id of the message that awaits its answer */
  #inFlight = null;
  #pauseTimer = 0;

  /**
   * @param {import("./outbox.js").Outbox} outbox
   * @param {(command: object) => boolean} send returns whether the command was sent
   */
  constructor(outbox, send) {
    this.#outbox = outbox;
    this.#send = send;
  }

  /** Send the first waiting message, unless one awaits its answer. */
  sendNext() {
    const [next] = this.#outbox.waiting;
    if (this.#pauseTimer || this.#inFlight || !next) return;
    const { client_id, message, mentions } = next;
    if (this.#send({ type: "send", message, client_id, mentions })) this.#inFlight = client_id;
  }

  /**
   * The server has stored or refused a message.
   * @param {string | undefined} clientId
   * @returns {boolean} whether this sender was waiting for it
   */
  answered(clientId) {
    if (clientId !== this.#inFlight) return false;
    this.#inFlight = null;
    this.sendNext();
    return true;
  }

  /** Send nothing for a while. @param {number} seconds */
  pause(seconds) {
    clearTimeout(this.#pauseTimer);
    this.#pauseTimer = setTimeout(() => {
      this.#pauseTimer = 0;
      this.sendNext();
    }, seconds * 1000);
  }

  /** The connection is a new one: the answer to the message in flight will not arrive. */
  reset() {
    this.#inFlight = null;
  }
}
