/** Unsent messages of the room: stored in the outbox, sent in order, and shown at the end of the log with their state. */

import { gettext } from "../../../base/js/i18n.js";
import { copyText } from "../timeline/clipboard.js";
import { buttonElement, textElement } from "../timeline/message-footer.js";
import { InOrderSender } from "./in-order-sender.js";
import { Outbox } from "./outbox.js";

/** Longest wait before a message is sent again by itself (seconds); a longer one is shown as a failure. */
const MAX_PAUSE = 60;

export class UnsentMessages {
  #room;
  #session;
  #composer;
  #editor;
  #outbox;
  #sender;

  /** @type {(text: string) => void} called with the reason why messages were not sent */
  onFailed = () => {};

  /**
   * @param {import("../open-room.js").OpenRoom} room
   * @param {import("../session.js").Session} session
   * @param {import("../composer/composer.js").Composer} composer
   * @param {import("../editing/message-editor.js").MessageEditor} editor
   */
  constructor(room, session, composer, editor) {
    this.#room = room;
    const changed = (clientId, entry) => (entry ? this.#show(entry) : room.log.discard(clientId));
    this.#outbox = new Outbox(room.owner, changed, room.signal);
    this.#session = session;
    this.#composer = composer;
    this.#editor = editor;
    this.#sender = new InOrderSender(this.#outbox, (command) => !session.refusal && session.send(command, true));
    session.on("welcome", () => this.#sender.reset());
    session.on("message", ({ client_id: clientId }) => this.#stored(clientId));
    session.on("error", (error) => this.#refused(error));
    session.on("refusal", () => {
      this.#outbox.waiting.forEach((entry) => this.#show(entry));
      if (session.refusal && !this.isEmpty) this.onFailed(gettext("Not sent"));
    });
  }

  /** Whether no message waits to be sent. */
  get isEmpty() {
    return !this.#outbox.waiting.length;
  }

  /** @param {string[]} texts written before the scripts had loaded */
  open(texts) {
    for (const text of texts) this.#outbox.add(text, this.#room.name);
    for (const message of this.#room.data.messages) this.#outbox.remove(message.client_id); // stored, and never acknowledged
    for (const entry of this.#outbox.all) {
      if (this.#composer.isTooLong(entry.message)) this.#takeBack(entry);
      else this.#show(entry);
    }
  }

  /** @param {string} text @param {import("../text/mentions.js").Person[]} mentions */
  add(text, mentions) {
    this.#adopt(); // a tab without a connection may have written before
    this.#show(this.#outbox.add(text, this.#room.name, mentions));
    this.#sender.sendNext();
  }

  /** Send the messages of this tab, and of tabs that may have been closed. */
  sendAll() {
    this.#adopt();
    this.#sender.sendNext();
  }

  #adopt() {
    this.#outbox.adopt().forEach((entry) => this.#show(entry));
  }

  #stored(clientId) {
    this.#outbox.remove(clientId);
    if (this.#sender.answered(clientId)) this.#session.confirm();
  }

  #refused({ detail, client_id: clientId, number, retry_after: retryAfter }) {
    if (number || !clientId) return;
    if (retryAfter <= MAX_PAUSE) this.#sender.pause(retryAfter);
    else {
      const entry = this.#outbox.fail(clientId, detail);
      if (entry) {
        this.#show(entry);
        this.onFailed(gettext("Couldn't send: {problem}", { problem: detail }));
      }
    }
    this.#sender.answered(clientId); // also if another tab has removed the message meanwhile
  }

  /** Messages of an earlier version can be too long: move the text into the composer, where it can be shortened. */
  #takeBack({ client_id: clientId, message, mentions }) {
    this.#outbox.remove(clientId);
    this.#composer.insert(message, mentions);
  }

  #show(entry) {
    this.#room.log.showUnsent({ ...entry, author: this.#room.data.you }, this.#footer(entry));
  }

  /** @returns {Node[]} */
  #footer(entry) {
    if (entry.failed) return this.#footerOfFailed(entry);
    if (this.#session.refusal) {
      return [
        textElement(gettext("Not sent")),
        buttonElement(gettext("Try again"), () => this.#session.retry()),
        buttonElement(gettext("Copy"), async ({ target }) => {
          if (await copyText(entry.message)) target.textContent = gettext("Copied");
        }),
      ];
    }
    return [textElement(this.#room.data.is_copy ? gettext("Waiting to send…") : gettext("Sending…"))];
  }

  #footerOfFailed(entry) {
    return [
      textElement(gettext("Couldn't send: {problem}", { problem: entry.failed })),
      buttonElement(gettext("Edit"), () => {
        if (!this.#editor.close()) return;
        this.#discard(entry);
        this.#composer.insert(entry.message, entry.mentions);
      }),
      buttonElement(gettext("Discard"), () => this.#discard(entry)),
    ];
  }

  #discard({ client_id: clientId }) {
    this.#outbox.remove(clientId);
    this.#room.log.discard(clientId);
    this.#composer.guardEnter();
    this.#composer.focus();
  }
}
