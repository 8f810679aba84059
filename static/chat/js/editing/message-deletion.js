/**
 * Deletion of messages, after a question beside the message, since it cannot be undone: people delete their own, and
 * moderators remove those of others, with a reason.
 */

import { gettext } from "../../../base/js/i18n.js";
import { buttonElement, showFooter, textElement } from "../timeline/message-footer.js";

/** Distance of the question from the message's buttons, and from the window's edges (pixels). */
const GAP = 4;

export class MessageDeletion {
  #log;
  #commands;
  #popover;
  #reason;
  #number = 0; // of the message that the question is about
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
      if (event.key === "Enter" && event.target === this.#reason && !event.isComposing) this.#confirmed();
      if (event.key !== "Escape") return;
      event.preventDefault(); // the focus returns to the message, not to its button
      this.#close();
    });
    popover.addEventListener("beforetoggle", ({ newState }) => {
      this.#log.item(this.#number)?.classList.toggle("message--asked", newState === "open");
    });
    scroller.addEventListener("scroll", () => this.#follow(), { passive: true });
  }

  /** @param {number} number of the message */
  confirm(number) {
    this.#number = number;
    const item = this.#log.item(number);
    const isOwn = this.#log.message(item).author.id === this.#log.reader;
    for (const element of this.#popover.querySelectorAll("[data-own]")) {
      element.textContent = isOwn ? element.dataset.own : element.dataset.others;
    }
    this.#reason.value = "";
    this.#reason.parentElement.hidden = isOwn;
    const beside = item.querySelector(".message__actions").getBoundingClientRect();
    this.#popover.showPopover();
    this.#place(beside, item.getBoundingClientRect().top);
    (isOwn ? this.#popover.querySelector("button:last-of-type") : this.#reason).focus();
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
    const item = this.#log.item(this.#number);
    if (item) this.#popover.style.top = `${item.getBoundingClientRect().top + this.#offset}px`;
    else this.#popover.hidePopover();
  }

  #close() {
    this.#popover.hidePopover();
    this.#log.item(this.#number)?.focus({ preventScroll: true });
  }

  #confirmed() {
    this.#close();
    const item = this.#log.item(this.#number);
    if (item) this.#delete(item, this.#number, this.#reason.value.trim());
  }

  async #delete(item, number, reason) {
    showFooter(item, textElement(gettext("Deleting…")));
    const { client_id } = this.#log.message(item);
    const problem = await this.#commands.send({ type: "delete", number, client_id, ...(reason && { reason }) });
    const shown = problem && this.#log.item(number);
    if (shown) this.#showProblem(shown, number, reason, gettext("Couldn't delete: {problem}", { problem }));
  }

  #showProblem(item, number, reason, problem) {
    const hasFocus = item.contains(document.activeElement);
    const dismiss = buttonElement(gettext("Cancel"), () => {
      showFooter(item);
      item.focus({ preventScroll: true });
    });
    const retry = buttonElement(gettext("Delete"), () => {
      item.focus({ preventScroll: true });
      this.#delete(item, number, reason);
    });
    showFooter(item, textElement(problem), retry, dismiss);
    if (hasFocus) dismiss.focus();
  }
}
