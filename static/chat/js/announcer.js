/** Tells those who listen what others have just said: each message once, and many at once as a number. */

import { gettext, ngettext } from "../../base/js/i18n.js";
import { isolated, write } from "../../base/js/isolated.js";
import { draw } from "./markup.js";

/** What comes within this time is told together (milliseconds), and of more than so many messages only the number. */
const PAUSE = 500;
const MOST = 3;

/** So much of a text is read out (characters). */
const LONGEST = 300;

export class Announcer {
  #place;
  /** @type {import("./message.js").Message[]} */
  #said = [];
  #timer = 0;

  /** @param {HTMLElement} place a live region that nobody sees */
  constructor(place) {
    this.#place = place;
  }

  /** @param {import("./message.js").Message} message */
  tell(message) {
    this.#said.push(message);
    this.#timer ||= setTimeout(() => this.#announce(), PAUSE);
  }

  #announce() {
    const said = this.#said.splice(0);
    const count = said.length;
    const lines = count > MOST ? [ngettext("{count} new message", "{count} new messages", count)] : said.map(line);
    this.#place.replaceChildren(...lines.map(paragraph));
    this.#timer = 0;
  }
}

function line({ author, message }) {
  const text = draw(message.slice(0, LONGEST)).textContent; // without asterisks and the like
  return gettext("{name}: {text}", { name: isolated(author.name), text });
}

function paragraph(sentence) {
  const paragraph = document.createElement("p");
  write(paragraph, sentence);
  return paragraph;
}
