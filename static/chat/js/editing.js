/** Changing what one has said. It is done in the composer, where what was being written waits meanwhile. */

import { gettext } from "../../base/js/i18n.js";

/** @typedef {import("./message.js").Message} Message */

export class Editing {
  #bar;
  #composer;
  #changes;
  #kept;
  /** @type {Message | null} as it is stored */
  #message = null;
  /** @type {string | null} the text that is being saved */
  #saving = null;

  /**
   * @param {HTMLElement} bar what stands above the composer meanwhile
   * @param {import("./composer.js").Composer} composer
   * @param {import("./changes.js").Changes} changes
   * @param {import("./kept-edit.js").KeptEdit} kept
   */
  constructor(bar, composer, changes, kept) {
    this.#bar = bar;
    this.#composer = composer;
    this.#changes = changes;
    this.#kept = kept;
    bar.querySelector("button").addEventListener("click", () => this.#end());
  }

  /** @param {Message} message one of the reader's own */
  async begin(message) {
    if (!this.leave()) return;
    this.#start(message, message.message);
    this.#composer.settle();
    const isKept = await this.#kept.claim(message.number);
    if (isKept) this.#keep();
  }

  /** Go on with what was neither saved nor cancelled. @returns {Promise<number | undefined>} of which message */
  async resume() {
    const left = await this.#kept.find();
    if (this.#message) return; // another has begun
    if (left) this.#start(left, left.text);
    return left?.number;
  }

  #start(message, text) {
    this.#message = message;
    this.#saving = null;
    this.#bar.hidden = false;
    this.#say("");
    this.#composer.lend(text, {
      write: () => this.#keep(),
      send: (text) => this.#save(text),
      cancel: () => this.#end(),
    });
  }

  /** End an edit in which nothing was written. @returns {boolean} whether the composer is free */
  leave() {
    if (!this.#message) return true;
    if (this.#composer.text.trimEnd() === this.#message.message.trimEnd()) this.#end();
    else this.#say(gettext("Save or cancel your edit first."));
    this.#composer.focus();
    return !this.#message;
  }

  /** @param {Message} message as it now is */
  told(message) {
    if (message.number !== this.#message?.number) return;
    if (message.message === this.#composer.text.trimEnd()) return this.#end();
    const isSaved = message.message === this.#saving;
    const isChanged = message.message !== this.#message.message;
    this.#message = message;
    this.#saving = null;
    this.#keep();
    if (message.deleted) this.#say(gettext("This message was deleted. You can still copy your text."));
    else if (isSaved) this.#say("");
    else if (isChanged) this.#say(gettext("Edited elsewhere. Saving overwrites that version."));
  }

  /** Nothing is to be kept of a text that is as it was. */
  #keep() {
    const { number, message } = this.#message;
    const text = this.#composer.text;
    if (text === message) this.#kept.forget(number);
    else this.#kept.keep({ number, message, text });
  }

  /** While a text is being saved, no other is. */
  async #save(text) {
    if (this.#saving !== null) return;
    const { number, message } = this.#message;
    if (text === message.trimEnd()) return this.#end();
    this.#saving = text;
    this.#say(gettext("Saving…"));
    const problem = await this.#changes.ask({ type: "edit", number, message: text });
    if (!problem || this.#message?.number !== number) return;
    this.#saving = null;
    this.#say(gettext("Not saved: {problem}.", { problem }), true);
  }

  #end() {
    this.#kept.end(this.#message.number);
    this.#message = null;
    this.#bar.hidden = true;
    this.#composer.giveBack();
  }

  #say(said, isProblem = false) {
    const place = this.#bar.querySelector("[role=status]");
    place.textContent = said || gettext("Editing a message");
    place.classList.toggle("editing__problem", isProblem);
  }
}
