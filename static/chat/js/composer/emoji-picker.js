/** Emoji picker: a popover with common emoji, chosen by a click or by the arrow keys and Enter. */

import { gettext } from "../../../base/js/i18n.js";

/** How far each arrow key moves the focus. The length of a row depends on the width of the window. */
const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: (row) => -row, ArrowDown: (row) => row };

/** Distance from the composer (pixels). */
const GAP = 8;

export class EmojiPicker {
  #popover;
  #anchor;
  #catalogue;
  #onChoice;

  /**
   * @param {HTMLElement} popover
   * @param {HTMLElement} anchor the popover opens above it
   * @param {import("../text/emoji.js").Catalogue} catalogue
   * @param {(emoji: string) => void} onChoice
   * @param {AbortSignal} signal aborted when the room is left
   */
  constructor(popover, anchor, catalogue, onChoice, signal) {
    this.#popover = popover;
    this.#anchor = anchor;
    this.#catalogue = catalogue;
    this.#onChoice = onChoice;
    addEventListener("resize", () => popover.matches(":popover-open") && this.#setPosition(), { signal });
    popover.addEventListener("toggle", ({ newState }) => newState === "open" && this.#open());
    popover.addEventListener("keydown", (event) => this.#keyPressed(event));
    popover.addEventListener("click", ({ target }) => this.#choose(target.closest("button")));
    popover.addEventListener("focusin", ({ target }) => this.#setTabStop(target.closest("button")));
  }

  get #buttons() {
    return [...this.#popover.querySelectorAll("button")];
  }

  async #open() {
    this.#setPosition();
    if (!this.#buttons.length) await this.#load();
    this.#buttons[0]?.focus();
  }

  #setPosition() {
    const { top, right } = this.#anchor.getBoundingClientRect();
    this.#popover.style.setProperty("--bottom", `${innerHeight - top + GAP}px`);
    this.#popover.style.setProperty("--end", `${document.documentElement.clientWidth - right}px`);
  }

  async #load() {
    try {
      const common = await this.#catalogue.common();
      this.#popover.replaceChildren(...common.map(renderButton));
    } catch {
      this.#popover.textContent = gettext("Couldn't load emoji. Try again.");
    }
  }

  #keyPressed(event) {
    const step = STEPS[event.key];
    const buttons = this.#buttons;
    if (!step || !buttons.length) return;
    event.preventDefault();
    const row = buttons.filter(({ offsetTop }) => offsetTop === buttons[0].offsetTop).length;
    buttons[buttons.indexOf(document.activeElement) + step(row)]?.focus();
  }

  /** Roving tabindex: all buttons are one tab stop. */
  #setTabStop(button) {
    for (const each of this.#buttons) each.tabIndex = each === button ? 0 : -1;
  }

  #choose(button) {
    if (!button) return;
    this.#popover.hidePopover();
    this.#onChoice(button.textContent);
  }
}

function renderButton({ emoji, name }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "emoji-picker__emoji";
  button.textContent = emoji;
  button.ariaLabel = button.title = name;
  button.tabIndex = -1;
  return button;
}
