/** Completion: while somebody types the beginning of a name, a list offers what it may become. */

import { insert } from "./insert.js";

/** What is typed is not looked for further back than this (characters). */
const LONGEST = 64;

const NONE = -1;

/** An address that is not finished; it is not looked for further back than this (characters). */
const ADDRESS = /(?:\w:\/\/|\bwww\.)\S*$/;
const LONGEST_ADDRESS = 2048;

/** With these even Latin words are composed letter by letter, and an option is tapped. */
const onScreenKeyboard = matchMedia("(pointer: coarse)");

/**
 * @typedef {object} Option
 * @property {string} label
 * @property {HTMLElement} icon
 * @property {string} text what is written for it
 * @property {boolean} isExact whether what is typed asks for it, so that Enter takes it
 *
 * @typedef {object} Source
 * @property {RegExp} typed what stands before the caret where there is something to complete; its group is what is typed
 * @property {(typed: string) => Option[] | Promise<Option[]>} find the best first
 */

export class Completion {
  #input;
  #list;
  #sources;
  /** @type {Option[]} what is offered; none: the list is closed */
  #options = [];
  /** Which of them is chosen; NONE: only the keyboard chooses. */
  #active = NONE;
  #isChosen = false; // by an arrow key
  #from = 0;
  /** What the text began with when the list was closed on purpose: as long as it does, nothing is offered there. */
  #closed = { from: -1, before: "" };
  #turn = 0;

  /**
   * @param {HTMLTextAreaElement} input
   * @param {HTMLUListElement} list
   * @param {Source[]} sources
   */
  constructor(input, list, sources) {
    this.#input = input;
    this.#list = list;
    this.#sources = sources;
    input.addEventListener("input", ({ isComposing }) => {
      if (!isComposing || onScreenKeyboard.matches) this.#look();
    });
    input.addEventListener("compositionstart", () => onScreenKeyboard.matches || this.#close());
    input.addEventListener("compositionend", () => this.#look());
    input.addEventListener("blur", () => this.#close());
    document.addEventListener("selectionchange", () => this.#options.length && this.#look());
    // Before others see it: while the list is open, Enter sends nothing.
    input.addEventListener("keydown", (event) => this.#keyPressed(event), { capture: true });
    list.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays where one writes
    list.addEventListener("click", ({ target }) => this.#clicked(target.closest("[role=option]")));
  }

  /** Find out what may be completed now, and offer it. */
  async #look() {
    const turn = ++this.#turn;
    const place = this.#place();
    if (!place) return this.#close();
    const options = await place.source.find(place.typed);
    if (turn === this.#turn) this.#show(options, place.from);
  }

  /** @returns {{source: Source, from: number, typed: string} | null} */
  #place() {
    const { value, selectionStart, selectionEnd } = this.#input;
    if (selectionStart !== selectionEnd || isVerbatim(value, selectionEnd)) return null;
    const start = Math.max(0, selectionEnd - LONGEST);
    for (const source of this.#sources) {
      const found = value.slice(start, selectionEnd).match(source.typed);
      if (found && !this.#isClosed(start + found.index)) return { source, from: start + found.index, typed: found[1] };
    }
    return null;
  }

  #isClosed(from) {
    return from === this.#closed.from && this.#input.value.startsWith(this.#closed.before);
  }

  #show(options, from) {
    if (!options.length) return this.#close();
    const [before, now] = [this.#options, options].map((all) => all[this.#active]?.text);
    const isSame = this.#options.length > 0 && from === this.#from && before === now;
    this.#isChosen &&= isSame;
    if (!this.#isChosen) this.#active = options[0].isExact && beginsWord(this.#input.value, from) ? 0 : NONE;
    this.#options = options;
    this.#from = from;
    this.#list.replaceChildren(...options.map(drawOption));
    this.#list.hidden = false;
    // Only now, while there is something to choose. A text area may be no combobox (W3C, ARIA in HTML).
    this.#input.setAttribute("aria-controls", this.#list.id);
    this.#input.setAttribute("aria-autocomplete", "list");
    if (this.#active !== NONE) this.#activate(this.#active);
  }

  #choose(index) {
    this.#isChosen = true;
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
    this.#turn += 1;
    if (!this.#options.length) return;
    this.#options = [];
    this.#list.hidden = true;
    this.#list.replaceChildren();
    for (const name of ["aria-controls", "aria-autocomplete", "aria-activedescendant"]) {
      this.#input.removeAttribute(name);
    }
  }

  #keyPressed(event) {
    // 229: Safari has ended the composition before it tells of the Enter that ended it.
    if (!this.#options.length || event.isComposing || event.keyCode === 229) return;
    if (event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return;
    const action = this.#actionOf(event.key);
    if (event.key === "Enter" && !action) this.#close(); // it sends what is written
    if (!action) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    action();
  }

  #actionOf(key) {
    const count = this.#options.length;
    if (key === "ArrowDown") return () => this.#choose((this.#active + 1) % count);
    if (key === "ArrowUp") return () => this.#choose((Math.max(this.#active, 0) + count - 1) % count);
    if (key === "Tab" || (key === "Enter" && this.#active !== NONE)) return () => this.#take(Math.max(this.#active, 0));
    if (key === "Escape") return () => this.#closeFor(this.#input.selectionEnd);
  }

  #clicked(option) {
    if (option) this.#take([...this.#list.children].indexOf(option));
  }

  #take(index) {
    const { text } = this.#options[index];
    const from = this.#from;
    this.#close();
    insert(this.#input, text, from);
    this.#closed = { from, before: this.#input.value.slice(0, from + text.length) };
  }

  /** Offer nothing more here, until what stands before this place is changed. */
  #closeFor(end) {
    this.#closed = { from: this.#from, before: this.#input.value.slice(0, end) };
    this.#close();
  }
}

/**
 * Whether a sign at a place of a text begins a word. After Han, and after punctuation, it may as well be meant as it
 * stands: `状态:高兴`.
 */
export function beginsWord(text, at) {
  return !/\S/.test(text[at - 1] ?? "");
}

/** Whether a place in a text is in code, which begins and ends with backticks, or in an address of the web. */
export function isVerbatim(text, at) {
  const before = text.slice(0, at);
  return before.split("`").length % 2 === 0 || ADDRESS.test(before.slice(-LONGEST_ADDRESS));
}

function drawOption({ label, icon }, index) {
  const option = document.createElement("li");
  option.className = "completion__option";
  option.id = `completion-${index}`;
  option.role = "option";
  option.append(icon, label);
  return option;
}
