/** Announcer for screen readers: reads out new messages of others in a live region, or their number if there are many. */

import { gettext, ngettext } from "../../../base/js/i18n.js";
import { isolate, showSentence } from "../../../base/js/bidi.js";
import { renderMarkup } from "../text/markup.js";

/** Messages that arrive within this time are announced together (milliseconds); above the limit, only their number is. */
const BATCH_TIME = 500;
const MAX_READ_OUT = 3;

/** How much of a text is read out (characters). */
const MAX_LENGTH = 300;

export class Announcer {
  #liveRegion;
  /** @type {import("../timeline/message-element.js").Message[]} */
  #queue = [];
  #timer = 0;

  /** @param {HTMLElement} liveRegion visually hidden */
  constructor(liveRegion) {
    this.#liveRegion = liveRegion;
  }

  /** @param {import("../timeline/message-element.js").Message} message */
  announce(message) {
    this.#queue.push(message);
    this.#timer ||= setTimeout(() => this.#flush(), BATCH_TIME);
  }

  /** @param {string} text about the person's own message */
  announceStatus(text) {
    this.#liveRegion.replaceChildren(paragraph(text));
  }

  #flush() {
    const messages = this.#queue.splice(0);
    const count = messages.length;
    const lines =
      count > MAX_READ_OUT ? [ngettext("{count} new message", "{count} new messages", count)] : messages.map(line);
    this.#liveRegion.replaceChildren(...lines.map(paragraph));
    this.#timer = 0;
  }
}

function line({ author, message }) {
  const text = renderMarkup(message.slice(0, MAX_LENGTH)).textContent; // without the signs of the markup
  return gettext("{name}: {text}", { name: isolate(author.name), text });
}

function paragraph(sentence) {
  const paragraph = document.createElement("p");
  showSentence(paragraph, sentence);
  return paragraph;
}
