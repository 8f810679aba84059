/** Dialog of keyboard shortcuts and markup. It opens by a button, by `?` outside of text fields, and by Ctrl-/ anywhere. */

import { isOfInputMethod } from "../../base/js/input-method.js";
import { hasCommandModifier, labelShortcutKeys } from "../../base/js/shortcut-keys.js";

export class ShortcutsDialog {
  #dialog;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {HTMLButtonElement} button
   */
  constructor(dialog, button) {
    this.#dialog = dialog;
    button.addEventListener("click", () => this.#open());
    document.addEventListener("keydown", (event) => this.#keyPressed(event));
    let pressed = null; // selecting text from inside to outside of the dialog also ends with a click outside
    dialog.addEventListener("pointerdown", ({ target }) => (pressed = target));
    dialog.addEventListener("click", ({ target }) => target === dialog && target === pressed && dialog.close());
    labelShortcutKeys();
  }

  #keyPressed(event) {
    const isCommand = hasCommandModifier(event);
    const isQuestionMark = event.key === "?" && !isOfInputMethod(event) && !isCommand && !isTextField(event.target);
    if (!isQuestionMark && !(event.key === "/" && isCommand)) return;
    event.preventDefault();
    if (this.#dialog.open) this.#dialog.close();
    else this.#open();
  }

  /** Close an open drawer first, so that the focus returns to the button that has opened the drawer. */
  #open() {
    document.querySelector(":popover-open")?.hidePopover();
    this.#dialog.showModal();
  }
}

function isTextField(target) {
  return target.matches("input, textarea, select") || target.isContentEditable;
}
