/** A button that shows common emoji: a click, or arrows and Enter, choose one. */

import { gettext } from "../../base/js/i18n.js";

/** How far each key goes; rows are as wide as the window lets them. */
const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: (row) => -row, ArrowDown: (row) => row };

/** How far it stands above the composer (pixels). */
const GAP = 8;

export class EmojiPicker {
  #popover;
  #above;
  #catalogue;
  #onChoice;

  /**
   * @param {HTMLElement} popover
   * @param {HTMLElement} above what it opens above of
   * @param {import("./emoji.js").Catalogue} catalogue
   * @param {(emoji: string) => void} onChoice
   */
  constructor(popover, above, catalogue, onChoice) {
    this.#popover = popover;
    this.#above = above;
    this.#catalogue = catalogue;
    this.#onChoice = onChoice;
    addEventListener("resize", () => popover.matches(":popover-open") && this.#stand());
    popover.addEventListener("toggle", ({ newState }) => newState === "open" && this.#open());
    popover.addEventListener("keydown", (event) => this.#keyPressed(event));
    popover.addEventListener("click", ({ target }) => this.#choose(target.closest("button")));
    popover.addEventListener("focusin", ({ target }) => this.#lead(target.closest("button")));
  }

  get #buttons() {
    return [...this.#popover.querySelectorAll("button")];
  }

  async #open() {
    this.#stand();
    if (!this.#buttons.length) await this.#fill();
    this.#buttons[0]?.focus();
  }

  #stand() {
    const { top, right } = this.#above.getBoundingClientRect();
    this.#popover.style.setProperty("--bottom", `${innerHeight - top + GAP}px`);
    this.#popover.style.setProperty("--end", `${document.documentElement.clientWidth - right}px`);
  }

  async #fill() {
    try {
      const common = await this.#catalogue.common();
      this.#popover.replaceChildren(...common.map(drawButton));
    } catch {
      this.#popover.textContent = gettext("They could not be loaded. Try again in a moment.");
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

  /** All of them are one stop for the Tab key. */
  #lead(button) {
    for (const each of this.#buttons) each.tabIndex = each === button ? 0 : -1;
  }

  #choose(button) {
    if (!button) return;
    this.#popover.hidePopover();
    this.#onChoice(button.textContent);
  }
}

function drawButton({ emoji, name }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "emoji-picker__emoji";
  button.textContent = emoji;
  button.ariaLabel = button.title = name;
  button.tabIndex = -1;
  return button;
}
