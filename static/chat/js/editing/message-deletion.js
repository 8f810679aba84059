/** Deletion of the person's own messages, with a confirmation below the message, since it cannot be undone. */

import { gettext } from "../../../base/js/i18n.js";
import { buttonElement, showFooter, textElement } from "../timeline/message-footer.js";

export class MessageDeletion {
  #log;
  #commands;

  /**
   * @param {import("../timeline/chat-log.js").ChatLog} log
   * @param {import("./pending-commands.js").PendingCommands} commands
   */
  constructor(log, commands) {
    this.#log = log;
    this.#commands = commands;
  }

  /** @param {number} number of the message */
  confirm(number) {
    this.#confirm(this.#log.item(number), number, gettext("Delete this message?")).focus();
  }

  /** @returns {HTMLButtonElement} the button that cancels */
  #confirm(item, number, question) {
    const keep = buttonElement(gettext("Cancel"), () => this.#close(item));
    const remove = buttonElement(gettext("Delete"), () => this.#delete(item, number));
    showFooter(item, textElement(question), remove, keep);
    item.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation(); // the focus stays on the message
      this.#close(item);
    };
    return keep;
  }

  #close(item) {
    item.onkeydown = null;
    item.focus({ preventScroll: true });
    showFooter(item);
  }

  async #delete(item, number) {
    this.#close(item);
    showFooter(item, textElement(gettext("Deleting…")));
    const { client_id } = this.#log.message(item);
    const problem = await this.#commands.send({ type: "delete", number, client_id });
    const shown = problem && this.#log.item(number);
    if (!shown) return;
    const hasFocus = shown.contains(document.activeElement);
    const keep = this.#confirm(shown, number, gettext("Couldn't delete: {problem}", { problem }));
    if (hasFocus) keep.focus();
  }
}
