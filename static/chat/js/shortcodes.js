/**
 * A shortcode that is typed whole, `:tada:`, becomes its emoji. Inside a sentence only a Latin name does, and no
 * abbreviation, since two colons may be meant as they stand: `中国:日本:韩国`, `比分:100:99`, `国家:cn:86`.
 */

import { beginsWord, isVerbatim } from "./completion.js";
import { CODE } from "./emoji.js";
import { insert } from "./insert.js";
import { LETTER } from "./mention.js";

const WHOLE = new RegExp(`(?<!${LETTER}):(${CODE}):$`, "u");

const LATIN = /^(?:[a-z][\w+-]{2,}|[+-]1)$/i;

/** What is typed is not looked for further back than this (characters). */
const LONGEST = 64;

export class Shortcodes {
  /** @type {Promise<void> | null} the replacement that waits for the catalogue */
  pending = null;
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
      if (inputType.startsWith("insert") && !isComposing) this.#begin(); // what is undone stays
    });
    input.addEventListener("compositionend", () => this.#begin());
  }

  #begin() {
    const pending = this.#replace().finally(() => {
      if (this.pending === pending) this.pending = null;
    });
    this.pending = pending;
  }

  async #replace() {
    const { value, selectionEnd: end } = this.#input;
    const found = value.slice(Math.max(0, end - LONGEST), end).match(WHOLE);
    if (!found || isVerbatim(value, end) || !isMeant(value, end - found[0].length, found[1])) return;
    const emoji = await this.#catalogue.named(found[1]).catch(() => {});
    const isAsItWas = this.#input.value === value && this.#input.selectionEnd === end;
    if (emoji && isAsItWas) insert(this.#input, emoji, end - found[0].length);
  }
}

/** @param {string} code that begins, with its colon, at that place of a text */
function isMeant(text, at, code) {
  return beginsWord(text, at) || LATIN.test(code);
}
