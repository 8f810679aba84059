/** A shortcode that is typed whole, `:tada:`, becomes its emoji. */

import { isInCode } from "./completion.js";
import { CODE } from "./emoji.js";
import { insert } from "./insert.js";
import { LETTER } from "./mention.js";

const WHOLE = new RegExp(`(?<!${LETTER}):(${CODE}):$`, "u");

/** What is typed is not looked for further back than this (characters). */
const LONGEST = 64;

export class Shortcodes {
  #input;
  #catalogue;

  /**
   * @param {HTMLTextAreaElement} input
   * @param {import("./emoji.js").Catalogue} catalogue
   */
  constructor(input, catalogue) {
    this.#input = input;
    this.#catalogue = catalogue;
    input.addEventListener("input", ({ inputType, isComposing }) => {
      if (inputType.startsWith("insert") && !isComposing) this.#replace(); // what is undone stays
    });
    input.addEventListener("compositionend", () => this.#replace());
  }

  async #replace() {
    const { value, selectionEnd: end } = this.#input;
    const found = value.slice(Math.max(0, end - LONGEST), end).match(WHOLE);
    if (!found || isInCode(value, end)) return;
    const emoji = await this.#catalogue.named(found[1]).catch(() => {});
    const isAsItWas = this.#input.value === value && this.#input.selectionEnd === end;
    if (emoji && isAsItWas) insert(this.#input, emoji, end - found[0].length);
  }
}
