/**
 * Emoji shortcodes: a complete one, `:tada:`, is replaced by its emoji. Within a sentence only Latin names of three
 * letters or more are, since two colons may be punctuation: `中国:日本:韩国`, `比分:100:99`, `国家:cn:86`. After another
 * colon none is: `std::key::x`.
 */

import { beginsWord, isVerbatim } from "./typeahead.js";
import { CODE } from "../text/emoji.js";
import { insertText } from "./insert-text.js";
import { LETTER } from "../text/mentions.js";

const SHORTCODE = new RegExp(`(?<!:|${LETTER}):(${CODE}):$`, "u");

const LATIN = /^(?:[a-z][\w+-]{2,}|[+-]1)$/i;

/** How far before the caret a shortcode may begin (characters). */
const LOOKBEHIND = 64;

/** WebKit undoes what a script inserts during an input event together with what was typed: there, it waits for the event's end. */
const IS_WEBKIT = navigator.vendor.startsWith("Apple");

export class Shortcodes {
  /** @type {Promise<void> | null} a replacement that waits for the emoji catalogue */
  pending = null;
  #input;
  #catalogue;

  /**
   * @param {HTMLTextAreaElement} input
   * @param {import("../text/emoji.js").Catalogue} catalogue
   */
  constructor(input, catalogue) {
    this.#input = input;
    this.#catalogue = catalogue;
    input.addEventListener("input", ({ inputType, isComposing }) => {
      if (inputType.startsWith("insert") && !isComposing) this.#start(); // undo must not replace it again
    });
    input.addEventListener("compositionend", () => this.#start());
  }

  #start() {
    const pending = this.#replace().finally(() => {
      if (this.pending === pending) this.pending = null;
    });
    this.pending = pending;
  }

  async #replace() {
    const { value, selectionEnd: end } = this.#input;
    const found = value.slice(Math.max(0, end - LOOKBEHIND), end).match(SHORTCODE);
    if (!found || isVerbatim(value, end) || !isIntended(value, end - found[0].length, found[1])) return;
    const emoji = await this.#catalogue.named(found[1]).catch(() => {});
    if (IS_WEBKIT) await new Promise((resolve) => setTimeout(resolve));
    const isUnchanged = this.#input.value === value && this.#input.selectionEnd === end;
    if (emoji && isUnchanged) insertText(this.#input, emoji, end - found[0].length);
  }
}

/** Whether a code is meant as a shortcode. @param {number} at the offset of its first colon @param {string} code */
function isIntended(text, at, code) {
  return beginsWord(text, at) || LATIN.test(code);
}
