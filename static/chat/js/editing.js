/**
 * Edits of the reader's own messages, one at a time. An edit is written in the composer, where the draft waits meanwhile;
 * while it is saved, and while the reader writes something else, the composer is free.
 */

import { gettext } from "../../base/js/i18n.js";
import { showNote, text as noted } from "./note.js";

/** @typedef {import("./message.js").Message} Message */

const GONE = gettext("This message is gone. You can still copy your text.");

export class Editing {
  #bar;
  #log;
  #composer;
  #changes;
  #kept;
  /** @type {Message | null} the message that is edited, as it is stored */
  #message = null;
  /** @type {string | null} the edit while it is not in the composer: it is being saved, or offered in the bar */
  #aside = null;
  #isSaving = false;
  #isGone = false; // the database was set back: there is no such message, or another has its number

  /**
   * @param {HTMLElement} bar what stands above the composer while an edit is written or offered
   * @param {import("./chat-log.js").ChatLog} log
   * @param {import("./composer.js").Composer} composer
   * @param {import("./changes.js").Changes} changes
   * @param {import("./kept-edit.js").KeptEdit} kept
   */
  constructor(bar, log, composer, changes, kept) {
    this.#bar = bar;
    this.#log = log;
    this.#composer = composer;
    this.#changes = changes;
    this.#kept = kept;
    bar.querySelector(".editing__resume").addEventListener("click", () => this.begin(this.#message));
    bar.querySelector(".editing__cancel").addEventListener("click", () => {
      this.#end();
      composer.focus();
    });
  }

  /** @param {Message} message one of the reader's own */
  async begin(message) {
    if (!this.leave() || this.#isSaving) return;
    if (this.#message) return this.#takeUp(message);
    this.#message = message;
    this.#write(message.message);
    this.#composer.settle();
    const isUntouched = () => this.number === message.number && this.#text === this.#message.message;
    const left = await this.#kept.find(isUntouched, message.number);
    if (left) this.#restore(left);
  }

  /** Continue with what was neither saved nor cancelled. @returns {Promise<number | undefined>} of which message */
  async resume() {
    const left = await this.#kept.find(() => !this.#message);
    if (!left) return;
    this.#message = left;
    this.#reopen(left.text);
    return left.number;
  }

  /** End an edit in which nothing was written. @returns {boolean} whether the composer is free */
  leave() {
    if (!this.#message || this.#aside !== null) return true;
    if (this.#composer.text.trimEnd() === this.#message.message.trimEnd()) this.#end();
    else this.#show(gettext("Save or cancel your edit first."));
    this.#composer.focus();
    return !this.#message;
  }

  /** The number of the message that is edited, or undefined. */
  get number() {
    return this.#message?.number;
  }

  /** @param {Message} message as it now is */
  told(message) {
    if (message.number !== this.#message?.number) return;
    if (!isSame(message, this.#message)) return this.#lose();
    const isChanged = message.message !== this.#message.message;
    this.#message = message;
    if (message.message === this.#text.trimEnd()) return this.#end();
    if (this.#isSaving) return this.#note(noted(gettext("Saving…"))); // the answer follows
    this.#keep();
    if (message.deleted || isChanged) this.#showChange();
  }

  get #text() {
    return this.#aside ?? this.#composer.text;
  }

  /** Write the edit that is offered, before any other message is edited. */
  #takeUp(message) {
    this.#write(this.#aside);
    this.#composer.settle();
    if (message.number !== this.#message.number) this.#show(gettext("Save or cancel your edit first."));
  }

  /** Write what a closed tab has left. */
  #restore(left) {
    const current = this.#message;
    if (!isSame(left, current)) this.#message = left;
    this.#write(left.text);
    if (this.#message === left) this.#lose();
    else if (left.message !== current.message) this.#showChange();
  }

  /** Save nothing any more. */
  #lose() {
    this.#isGone = true;
    if (!this.#isSaving) this.#showChange();
  }

  /** Write an edit, or offer it if that would take the composer from a reader who writes. */
  #reopen(text) {
    if (this.#composer.isIdle) return this.#write(text);
    this.#aside = text;
    this.#show();
  }

  #write(text) {
    this.#aside = null;
    this.#composer.lend(text, {
      write: () => this.#keep(),
      send: (text) => this.#save(text),
      cancel: () => this.#end(),
    });
    this.#show();
  }

  /** A text that is as it was stored is not kept. */
  #keep() {
    const text = this.#text;
    if (text === this.#message.message) this.#kept.forget();
    else this.#kept.keep({ ...this.#message, text });
  }

  /** Give the composer back at once: what is typed next is another message. */
  async #save(text) {
    const { number, client_id, message } = this.#message;
    if (text === message.trimEnd()) return this.#end();
    const shown = this.#log.item(number);
    if (shown && !isSame(this.#log.message(shown), this.#message)) this.#isGone = true;
    if (this.#isGone) return this.#showChange();
    this.#aside = text;
    this.#isSaving = true;
    this.#bar.hidden = true;
    this.#composer.giveBack();
    this.#note(noted(gettext("Saving…")));
    const problem = await this.#changes.ask({ type: "edit", number, client_id, message: text });
    if (!this.#isSaving) return; // the message came before the answer
    this.#note();
    if (!problem) return this.#end();
    this.#isSaving = false;
    this.#reopen(text);
    this.#show(gettext("Not saved: {problem}.", { problem }), true);
  }

  /** Under the message, if it is shown. */
  #note(...content) {
    const item = this.#log.item(this.#message.number);
    if (item) showNote(item, ...content);
  }

  #end() {
    const isLent = this.#aside === null;
    this.#kept.end();
    this.#message = this.#aside = null;
    this.#isSaving = this.#isGone = false;
    this.#bar.hidden = true;
    if (isLent) this.#composer.giveBack();
  }

  #showChange() {
    if (this.#isGone) this.#show();
    else if (this.#message.deleted) this.#show(gettext("This message was deleted. You can still copy your text."));
    else this.#show(gettext("Edited elsewhere. Saving overwrites that version."));
  }

  #show(said = this.#isGone ? GONE : "", isProblem = false) {
    const isOffered = this.#aside !== null;
    const place = this.#bar.querySelector("[role=status]");
    place.textContent = said || (isOffered ? gettext("You have an unsaved edit.") : gettext("Editing a message"));
    place.classList.toggle("editing__problem", isProblem);
    this.#bar.querySelector(".editing__resume").hidden = !isOffered;
    this.#bar.querySelector("kbd").hidden = isOffered; // Escape cancels what is in the composer
    this.#bar.hidden = false;
  }
}

/** Whether two of the same number are one message. An earlier version has kept edits without a `client_id`. */
function isSame(one, other) {
  return !one.client_id || !other.client_id || one.client_id === other.client_id;
}
