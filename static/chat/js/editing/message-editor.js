/**
 * Editor of the person's own messages, one at a time. The edit takes place in the composer, whose draft waits. The composer
 * is free while the edit is being saved, or is set aside: it was cancelled, or the person is typing something else.
 */

import { gettext } from "../../../base/js/i18n.js";
import { showFooter, textElement } from "../timeline/message-footer.js";
import { CONFLICT } from "./pending-commands.js";

/**
 * @typedef {import("../timeline/message-element.js").Message} Message
 * @typedef {{text: string, mentions: import("../text/mentions.js").Person[]}} Edited a text, and the people whom it mentions
 */

const GONE = gettext("This message no longer exists. You can still copy your text.");

export class MessageEditor {
  #bar;
  #log;
  #composer;
  #commands;
  #draft;
  /** @type {Message | null} the edited message, as it is stored */
  #message = null;
  /** @type {Edited | null} the edited text while it is not in the composer: it is being saved, or offered in the bar */
  #aside = null;
  #isSaving = false;
  #isGone = false; // the database was restored: the message does not exist, or another message has its number

  /**
   * @param {HTMLElement} bar shown above the composer while an edit is open or offered
   * @param {import("../timeline/chat-log.js").ChatLog} log
   * @param {import("../composer/composer.js").Composer} composer
   * @param {import("./pending-commands.js").PendingCommands} commands
   * @param {import("./edit-draft.js").EditDraft} draft
   */
  constructor(bar, log, composer, commands, draft) {
    this.#bar = bar;
    this.#log = log;
    this.#composer = composer;
    this.#commands = commands;
    this.#draft = draft;
    bar.querySelector(".message-editor__resume").addEventListener("click", () => this.begin(this.#message));
    bar.querySelector(".message-editor__cancel").addEventListener("click", () => this.#cancel());
    bar.querySelector(".message-editor__discard").addEventListener("click", () => {
      this.#end();
      composer.guardEnter();
      composer.focus();
    });
  }

  /** @param {Message} message one of the person's own */
  async begin(message) {
    if (!this.close() || this.#isSaving) return;
    if (this.#message) return this.#openAside(message);
    this.#message = message;
    this.#open({ text: message.message, mentions: message.mentions ?? [] });
    this.#composer.guardEnter();
    const isUnchanged = () => this.number === message.number && this.#edited.text === this.#message.message;
    const draft = await this.#draft.find(isUnchanged, message.number);
    if (draft) this.#restore(draft);
  }

  /** Continue an edit that was neither saved nor discarded. @returns {Promise<number | undefined>} the message's number */
  async resume() {
    const draft = await this.#draft.find(() => !this.#message);
    if (!draft) return;
    this.#message = draft;
    if (draft.aside) this.#setAside(draft);
    else this.#reopen(draft);
    return draft.number;
  }

  /** Close an edit without changes. @returns {boolean} whether the composer is free */
  close() {
    if (!this.#message || this.#aside !== null) return true;
    if (this.#isChanged) this.#show(gettext("Save or cancel your edit first."));
    else this.#end();
    this.#composer.focus();
    return !this.#message;
  }

  /** The number of the edited message, or undefined. */
  get number() {
    return this.#message?.number;
  }

  /** @param {Message} message in its current state */
  update(message) {
    if (message.number !== this.#message?.number) return;
    if (!isSame(message, this.#message)) return this.#setGone();
    const isChanged = message.message !== this.#message.message;
    this.#message = message;
    if (message.message === this.#edited.text.trimEnd()) return this.#end();
    if (this.#isSaving) return this.#showInFooter(textElement(gettext("Saving…"))); // the answer follows
    this.#saveDraft();
    if (message.deleted || isChanged) this.#showChange();
  }

  /** The room is left: another tab, or this one later, may continue the edit. */
  leave() {
    this.#draft.release();
    this.#message = null;
    this.#log.markEdited(null);
    this.#isSaving = false; // an answer that arrives later changes nothing
  }

  /** @returns {Edited} */
  get #edited() {
    return this.#aside ?? this.#composer;
  }

  /** Whether the edit has a text that would be lost. */
  get #isChanged() {
    const text = this.#edited.text.trimEnd();
    return text !== "" && text !== this.#message.message.trimEnd();
  }

  /** Leave the edit. A changed text is set aside, since Escape is easily pressed once too often. */
  #cancel() {
    if (!this.#isChanged) return this.#end();
    const { text, mentions } = this.#composer;
    this.#composer.endEdit();
    this.#setAside({ text, mentions });
    this.#saveDraft();
  }

  /** Offer the edit in the bar; the composer is free. */
  #setAside({ text, mentions }) {
    this.#aside = { text, mentions };
    this.#show();
  }

  /** Open the edit that was set aside, before any other message can be edited. */
  #openAside(message) {
    this.#open(this.#aside);
    this.#composer.guardEnter();
    if (message.number !== this.#message.number) this.#show(gettext("Save or cancel your edit first."));
  }

  /** Open the draft of a closed tab. */
  #restore(draft) {
    const current = this.#message;
    if (!isSame(draft, current)) this.#message = draft;
    this.#open(draft);
    if (this.#message === draft) this.#setGone();
    else if (draft.message !== current.message) this.#showChange();
  }

  /** The message does not exist any more: the edit cannot be saved. */
  #setGone() {
    this.#isGone = true;
    if (!this.#isSaving) this.#showChange();
  }

  /** Open an edit, or set it aside if the person is typing something else. */
  #reopen({ text, mentions }) {
    if (this.#composer.isIdle) {
      this.#open({ text, mentions });
      return this.#composer.guardEnter();
    }
    this.#setAside({ text, mentions });
  }

  #open({ text, mentions }) {
    this.#aside = null;
    this.#composer.beginEdit(text, mentions, {
      onChange: () => this.#saveDraft(),
      onSubmit: (text, mentions) => this.#save({ text, mentions }),
      onCancel: () => this.#cancel(),
    });
    this.#show();
  }

  /** Store the draft, unless the text is unchanged. */
  #saveDraft() {
    const { text, mentions } = this.#edited;
    if (text === this.#message.message) this.#draft.remove();
    else this.#draft.save({ ...this.#message, text, mentions, aside: this.#aside !== null && !this.#isSaving });
  }

  /** Save the edit, and free the composer at once: the next text is another message. */
  async #save({ text, mentions }) {
    const { number, client_id, seq, message } = this.#message;
    if (text === message.trimEnd()) return this.#end();
    const shown = this.#log.item(number);
    if (shown && !isSame(this.#log.message(shown), this.#message)) this.#isGone = true;
    if (this.#isGone) return this.#showChange();
    this.#aside = { text, mentions };
    this.#isSaving = true;
    this.#bar.hidden = true;
    this.#log.markEdited(null);
    this.#composer.endEdit();
    this.#showInFooter(textElement(gettext("Saving…")));
    const problem = await this.#commands.send({ type: "edit", number, client_id, seq, message: text, mentions });
    if (!this.#isSaving) return; // the message arrived before the answer
    this.#showInFooter();
    if (!problem) return this.#end();
    this.#isSaving = false;
    this.#reopen({ text, mentions });
    if (problem === CONFLICT) this.#showChange(); // the message's newer version comes with the log
    else this.#show(gettext("Couldn't save: {problem}", { problem }), true);
  }

  /** Show content below the message, if the message is shown. */
  #showInFooter(...content) {
    const item = this.#log.item(this.#message.number);
    if (item) showFooter(item, ...content);
  }

  #end() {
    const isOpen = this.#aside === null;
    this.#draft.end();
    this.#message = this.#aside = null;
    this.#isSaving = this.#isGone = false;
    this.#bar.hidden = true;
    this.#log.markEdited(null);
    if (isOpen) this.#composer.endEdit();
  }

  #showChange() {
    if (this.#isGone) this.#show();
    else if (this.#message.deleted) this.#show(gettext("This message was deleted. You can still copy your text."));
    else this.#show(gettext("Edited elsewhere. Saving overwrites that version."));
  }

  #show(text = this.#isGone ? GONE : "", isProblem = false) {
    const isOffered = this.#aside !== null;
    const status = this.#bar.querySelector("[role=status]");
    status.textContent = text || (isOffered ? gettext("You have an unsaved edit.") : gettext("Editing a message"));
    status.classList.toggle("message-editor__problem", isProblem);
    for (const name of ["resume", "discard"]) this.#bar.querySelector(`.message-editor__${name}`).hidden = !isOffered;
    this.#bar.querySelector(".message-editor__cancel").hidden = isOffered;
    this.#bar.hidden = false;
    this.#log.markEdited(isOffered || this.#isGone ? null : this.#message.number);
  }
}

/** Whether two messages of one number are the same. Drafts of an earlier version have no `client_id`. */
function isSame(one, other) {
  return !one.client_id || !other.client_id || one.client_id === other.client_id;
}
