/** The sheet of all keys and signs: `?` opens it where nobody writes, Ctrl-/ anywhere, and a button. */

import { isCommand, nameKeys } from "../../base/js/keys.js";

export class Sheet {
  #dialog;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {HTMLButtonElement} button
   */
  constructor(dialog, button) {
    this.#dialog = dialog;
    button.addEventListener("click", () => this.#open());
    document.addEventListener("keydown", (event) => this.#keyPressed(event));
    let pressed = null; // a text that is selected from the inside to the outside ends there with a click
    dialog.addEventListener("pointerdown", ({ target }) => (pressed = target));
    dialog.addEventListener("click", ({ target }) => target === dialog && target === pressed && dialog.close());
    nameKeys();
  }

  #keyPressed(event) {
    const isAsked = event.key === "?" && !event.isComposing && !isCommand(event) && !isWriting(event.target);
    if (!isAsked && !(event.key === "/" && isCommand(event))) return;
    event.preventDefault();
    if (this.#dialog.open) this.#dialog.close();
    else this.#open();
  }

  /** The focus comes back to where it was; out of a drawer, to what has opened that. */
  #open() {
    document.querySelector(":popover-open")?.hidePopover();
    this.#dialog.showModal();
  }
}

function isWriting(target) {
  return target.matches("input, textarea, select") || target.isContentEditable;
}
