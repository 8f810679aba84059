/**
 * Deletion of messages, after a question beside the message, since it cannot be undone: people delete their own, and
 * moderators remove those of others, with a reason that can be deleted in turn.
 */

import { gettext } from "../../../base/js/i18n.js";
import { isOfInputMethod } from "../../../base/js/input-method.js";
import { buttonElement, showFooter, textElement } from "../timeline/message-footer.js";

/** Distance of the question from the message's buttons, and from the window's edges (pixels). */
const GAP = 4;

/** @typedef {{number: number, client_id: string}} Asked After a restore, another message may have the number. */

export class MessageDeletion {
  #log;
  #commands;
  #popover;
  #reason;
  /** @type {Asked | null} the message that the question is about */
  #asked = null;
  #kind = ""; // of the question, as the names of its texts in the page
  #offset = 0; // of the question from the message's beginning (pixels)

  /**
   * @param {HTMLElement} popover the question, with its buttons
   * @param {HTMLElement} scroller of the messages
   * @param {import("../timeline/chat-log.js").ChatLog} log
   * @param {import("./pending-commands.js").PendingCommands} commands
   */
  constructor(popover, scroller, log, commands) {
    this.#popover = popover;
    this.#log = log;
    this.#commands = commands;
    this.#reason = popover.querySelector("input");
    const [remove, cancel] = popover.querySelectorAll("button");
    remove.addEventListener("click", () => this.#confirmed());
    cancel.addEventListener("click", () => this.#close());
    popover.addEventListener("keydown", (event) => {
      if (isOfInputMethod(event)) return;
      if (event.key === "Enter" && event.target === this.#reason) this.#confirmed();
      if (event.key !== "Escape") return;
      event.preventDefault(); // the focus returns to the message, not to its button
      this.#close();
    });
    popover.addEventListener("beforetoggle", ({ newState }) => {
      this.#item(this.#asked)?.classList.toggle("message--asked", newState === "open");
    });
    scroller.addEventListener("scroll", () => this.#follow(), { passive: true });
  }

  /** @param {number} number of the message */
  confirm(number) {
    const item = this.#log.item(number);
    const { client_id, seq } = this.#log.message(item);
    this.#kind = this.#kindOf(item);
    this.#asked = { number, client_id, ...(this.#kind === "reason" && { seq }) };
    for (const element of this.#popover.querySelectorAll("[data-own]")) {
      element.textContent = element.dataset[this.#kind];
    }
    const takesReason = this.#kind === "others";
    this.#reason.value = "";
    this.#reason.parentElement.hidden = !takesReason;
    const beside = item.querySelector(".message__actions").getBoundingClientRect();
    this.#popover.showPopover();
    this.#place(beside, item.getBoundingClientRect().top);
    (takesReason ? this.#reason : this.#popover.querySelector("button:last-of-type")).focus();
  }

  /** The log has changed: close the question if its message is gone, or was deleted meanwhile. */
  update() {
    if (!this.#popover.matches(":popover-open")) return;
    const item = this.#item(this.#asked);
    if (!item || this.#kindOf(item) !== this.#kind) this.#popover.hidePopover();
  }

  /** @param {HTMLElement} item @returns {string} what can be deleted of it, if anything */
  #kindOf(item) {
    const { author, deleted, removed } = this.#log.message(item);
    if (deleted) return removed ? "reason" : "";
    return author.id === this.#log.reader ? "own" : "others";
  }

  /** @param {Asked | null} asked @returns {HTMLElement | undefined} its item, unless it is gone */
  #item(asked) {
    const item = asked && this.#log.item(asked.number);
    return item && this.#log.message(item)?.client_id === asked.client_id ? item : undefined;
  }

  /** Place the question below the message's buttons, or above them where there is no room. */
  #place({ top, bottom, right }, itemTop) {
    const { offsetHeight: height, offsetWidth: width, style } = this.#popover;
    const below = bottom + GAP;
    const y = below + height + GAP > innerHeight ? Math.max(GAP, top - GAP - height) : below;
    this.#offset = y - itemTop;
    style.top = `${y}px`;
    style.left = `${Math.max(GAP, right - width)}px`;
  }

  /** Stay beside the message when it moves. */
  #follow() {
    if (!this.#popover.matches(":popover-open")) return;
    const item = this.#item(this.#asked);
    if (item) this.#popover.style.top = `${item.getBoundingClientRect().top + this.#offset}px`;
    else this.#popover.hidePopover();
  }

  #close() {
    this.#popover.hidePopover();
    this.#item(this.#asked)?.focus({ preventScroll: true });
  }

  #confirmed() {
    this.#close();
    this.#delete(this.#asked, this.#reason.value.trim());
  }

  /** @param {Asked} asked @param {string} reason */
  async #delete(asked, reason) {
    const item = this.#item(asked);
    if (!item) return;
    showFooter(item, textElement(gettext("Deleting…")));
    const problem = await this.#commands.send({ type: "delete", ...asked, ...(reason && { reason }) });
    const shown = problem && this.#item(asked);
    if (shown) this.#showProblem(shown, asked, reason, gettext("Couldn't delete: {problem}", { problem }));
  }

  #showProblem(item, asked, reason, problem) {
    const hasFocus = item.contains(document.activeElement);
    const dismiss = buttonElement(gettext("Cancel"), () => {
      showFooter(item);
      item.focus({ preventScroll: true });
    });
    const retry = buttonElement(gettext("Delete"), () => {
      item.focus({ preventScroll: true });
      this.#delete(asked, reason);
    });
    showFooter(item, textElement(problem), retry, dismiss);
    if (hasFocus) dismiss.focus();
  }
}
