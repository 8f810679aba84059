/** Typeahead: a list of suggestions for the name or emoji that is being typed. */

import { isOfInputMethod } from "../../../base/js/input-method.js";
import { hasModifier } from "../../../base/js/shortcut-keys.js";
import { insertText } from "./insert-text.js";

/** How far before the caret a completable text may begin (characters). */
const LOOKBEHIND = 64;

const NONE = -1;

/** An unfinished web address, and how far before the caret it may begin (characters). */
const ADDRESS = /(?:\w:\/\/|\bwww\.)\S*$/;
const ADDRESS_LOOKBEHIND = 2048;

/** On-screen keyboards compose even Latin words letter by letter, and suggestions are tapped. */
const onScreenKeyboard = matchMedia("(pointer: coarse)");

/**
 * @typedef {object} Option
 * @property {string} label
 * @property {HTMLElement} icon
 * @property {string} text inserted when the option is accepted
 * @property {() => void} [onAccept] called when the option is accepted, before its text is inserted
 * @property {boolean} isExact whether the typed text names it exactly, so that Enter accepts it
 *
 * @typedef {object} Source
 * @property {RegExp} typed matches a completable text before the caret; its group is the typed part
 * @property {(typed: string) => Option[] | Promise<Option[]>} find returns the best first
 */

export class Typeahead {
  #input;
  #list;
  #sources;
  /** @type {Option[]} none: the list is closed */
  #options = [];
  /** Index of the active option. NONE: Enter accepts nothing until an arrow key has selected an option. */
  #active = NONE;
  #isSelected = false; // by an arrow key
  #from = 0;
  /** Where the list was dismissed, and the text before it: nothing is suggested there while that text is unchanged. */
  #dismissed = { from: -1, before: "" };
  #requests = 0;

  /**
   * @param {HTMLTextAreaElement} input
   * @param {HTMLUListElement} list
   * @param {Source[]} sources
   * @param {AbortSignal} signal aborted when the room is left
   */
  constructor(input, list, sources, signal) {
    this.#input = input;
    this.#list = list;
    this.#sources = sources;
    input.addEventListener("input", ({ isComposing }) => {
      if (!isComposing || onScreenKeyboard.matches) this.#update();
    });
    input.addEventListener("compositionstart", () => onScreenKeyboard.matches || this.#close());
    input.addEventListener("compositionend", () => this.#update());
    input.addEventListener("blur", () => this.#close());
    document.addEventListener("selectionchange", () => this.#options.length && this.#update(), { signal });
    // In the capture phase: while the list is open, Enter must not send the message.
    input.addEventListener("keydown", (event) => this.#keyPressed(event), { capture: true });
    list.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays in the text field
    list.addEventListener("click", ({ target }) => this.#clicked(target.closest("[role=option]")));
  }

  /** Show the suggestions for the text before the caret. */
  async #update() {
    const request = ++this.#requests;
    const match = this.#match();
    if (!match) return this.#close();
    const options = await match.source.find(match.typed);
    if (request === this.#requests) this.#show(options, match.from);
  }

  /** @returns {{source: Source, from: number, typed: string} | null} */
  #match() {
    const { value, selectionStart, selectionEnd } = this.#input;
    if (selectionStart !== selectionEnd || isVerbatim(value, selectionEnd)) return null;
    const start = Math.max(0, selectionEnd - LOOKBEHIND);
    for (const source of this.#sources) {
      const found = value.slice(start, selectionEnd).match(source.typed);
      if (found && !this.#isDismissed(start + found.index)) return { source, from: start + found.index, typed: found[1] };
    }
    return null;
  }

  #isDismissed(from) {
    return from === this.#dismissed.from && this.#input.value.startsWith(this.#dismissed.before);
  }

  #show(options, from) {
    if (!options.length) return this.#close();
    const [before, now] = [this.#options, options].map((all) => all[this.#active]?.text);
    const isSame = this.#options.length > 0 && from === this.#from && before === now;
    this.#isSelected &&= isSame;
    if (!this.#isSelected) this.#active = options[0].isExact && beginsWord(this.#input.value, from) ? 0 : NONE;
    this.#options = options;
    this.#from = from;
    this.#list.replaceChildren(...options.map(renderOption));
    this.#list.hidden = false;
    // Only while the list is open: a textarea must not have the role combobox (W3C, ARIA in HTML).
    this.#input.setAttribute("aria-controls", this.#list.id);
    this.#input.setAttribute("aria-autocomplete", "list");
    if (this.#active !== NONE) this.#activate(this.#active);
  }

  #select(index) {
    this.#isSelected = true;
    this.#activate(index);
  }

  #activate(index) {
    this.#active = index;
    for (const [at, option] of [...this.#list.children].entries()) option.ariaSelected = String(at === index);
    const option = this.#list.children[index];
    this.#input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  #close() {
    this.#requests += 1;
    if (!this.#options.length) return;
    this.#options = [];
    this.#list.hidden = true;
    this.#list.replaceChildren();
    for (const name of ["aria-controls", "aria-autocomplete", "aria-activedescendant"]) {
      this.#input.removeAttribute(name);
    }
  }

  #keyPressed(event) {
    if (!this.#options.length || isOfInputMethod(event)) return;
    if (hasModifier(event)) return;
    const action = this.#actionOf(event.key);
    if (event.key === "Enter" && !action) this.#close(); // Enter sends the message
    if (!action) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    action();
  }

  #actionOf(key) {
    const count = this.#options.length;
    if (key === "ArrowDown") return () => this.#select((this.#active + 1) % count);
    if (key === "ArrowUp") return () => this.#select((Math.max(this.#active, 0) + count - 1) % count);
    if (key === "Tab" || (key === "Enter" && this.#active !== NONE)) return () => this.#accept(Math.max(this.#active, 0));
    if (key === "Escape") return () => this.#dismiss(this.#input.selectionEnd);
  }

  #clicked(option) {
    if (option) this.#accept([...this.#list.children].indexOf(option));
  }

  #accept(index) {
    const { text, onAccept } = this.#options[index];
    const from = this.#from;
    this.#close();
    onAccept?.();
    insertText(this.#input, text, from);
    this.#dismissed = { from, before: this.#input.value.slice(0, from + text.length) };
  }

  /** Close the list, until the text before this offset is changed. */
  #dismiss(end) {
    this.#dismissed = { from: this.#from, before: this.#input.value.slice(0, end) };
    this.#close();
  }
}

/** Whether the character at an offset begins a word. After Han or punctuation it may be plain text: `状态:高兴`. */
export function beginsWord(text, at) {
  return !/\S/.test(text[at - 1] ?? "");
}

/** Whether an offset is within code, between backticks, or within a web address. */
export function isVerbatim(text, at) {
  const before = text.slice(0, at);
  return before.split("`").length % 2 === 0 || ADDRESS.test(before.slice(-ADDRESS_LOOKBEHIND));
}

function renderOption({ label, icon }, index) {
  const option = document.createElement("li");
  option.className = "typeahead__option";
  option.id = `typeahead-${index}`;
  option.role = "option";
  option.append(icon, label);
  return option;
}
