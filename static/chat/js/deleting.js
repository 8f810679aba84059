/** Taking back what one has said: asked for under the message itself, since it cannot be undone. */

import { gettext } from "../../base/js/i18n.js";
import { button, showNote, text } from "./note.js";

export class Deleting {
  #log;
  #changes;

  /**
   * @param {import("./chat-log.js").ChatLog} log
   * @param {import("./changes.js").Changes} changes
   */
  constructor(log, changes) {
    this.#log = log;
    this.#changes = changes;
  }

  /** @param {number} number of the message */
  ask(number) {
    this.#ask(this.#log.item(number), number, gettext("Delete this message?")).focus();
  }

  /** @returns {HTMLButtonElement} what leaves everything as it is */
  #ask(item, number, said) {
    const keep = button(gettext("Keep"), () => this.#close(item));
    showNote(item, text(said), button(gettext("Delete"), () => this.#delete(item, number)), keep);
    item.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation(); // it does not leave the message as well
      this.#close(item);
    };
    return keep;
  }

  #close(item) {
    item.onkeydown = null;
    item.focus({ preventScroll: true });
    showNote(item);
  }

  async #delete(item, number) {
    this.#close(item);
    showNote(item, text(gettext("Deleting…")));
    const { client_id } = this.#log.message(item);
    const problem = await this.#changes.ask({ type: "delete", number, client_id });
    const shown = problem && this.#log.item(number);
    if (!shown) return;
    const hasFocus = shown.contains(document.activeElement);
    const keep = this.#ask(shown, number, gettext("Not deleted: {problem}.", { problem }));
    if (hasFocus) keep.focus();
  }
}
