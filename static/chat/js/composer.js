/** Where one writes: Enter sends, Shift-Enter breaks the line, an input method's Enter does neither. */

import { gettext, numeral } from "../../base/js/i18n.js";
import { SETTLE } from "../../base/js/presses.js";
import { wellFormed } from "./well-formed.js";

/** How long a text that is sent waits for its shortcode to be replaced, at most (milliseconds). */
const PATIENCE = 1000;

/**
 * Who has it meanwhile is told of every change (`write`), of what is to be sent and of Escape (`cancel`).
 * @typedef {{write: (text: string) => void, send: (text: string) => void, cancel: () => void}} Borrower
 * @typedef {{draft: string} & Borrower} Loan
 */

export class Composer {
  #form;
  #input;
  #onSend;
  #onUp;
  #longest;
  #problem;
  /** @type {Loan | null} */
  #loan = null;
  #settledAt = 0;
  #isWaiting = false;
  #isTouched;

  /** @type {(text: string) => void} told of every change to what is to be sent */
  onDraft = () => {};

  #warning = "";

  /** @type {() => Promise<void> | null} what a text that is to be sent waits for */
  pending = () => null;

  /** told of each key that goes into what is to be sent */
  onWrite = () => {};

  /**
   * @param {HTMLFormElement} form
   * @param {(text: string) => void} onSend
   * @param {() => void} onUp told of the arrow up while nothing is written
   * @param {number} longest how many characters can be sent
   * @param {HTMLElement} problem where it says that there are more
   */
  constructor(form, onSend, onUp, longest, problem) {
    this.#form = form;
    this.#input = form.querySelector("textarea");
    this.#isTouched = this.#input.value !== ""; // the reader has typed before this script was there
    this.#onSend = onSend;
    this.#onUp = onUp;
    this.#longest = longest;
    this.#problem = problem;
    this.#input.addEventListener("keydown", (event) => this.#keyPressed(event));
    this.#input.addEventListener("input", () => this.#written());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#sendOnceReplaced();
    });
  }

  get text() {
    return this.#input.value;
  }

  /** What is to be sent; while the composer is lent it waits. */
  get draft() {
    return this.#loan?.draft ?? this.#input.value;
  }

  set draft(text) {
    if (this.#loan) this.#loan.draft = text;
    else this.#input.value = text;
    this.#fit();
  }

  /** @param {string} text shown below the composer while nothing is wrong with what is written; empty for none */
  set warning(text) {
    this.#warning = text;
    this.#fit();
  }

  /** @returns {boolean} whether a text has more characters than can be sent */
  isTooLong(text) {
    return lengthOf(text) > this.#longest;
  }

  /**
   * @returns {boolean} whether nobody writes: nothing was written here since the page opened or the composer was given
   *   back, and no other field has the focus
   */
  get isIdle() {
    return !this.#isTouched && !document.activeElement?.matches("input");
  }

  /** @returns {string[]} what Enter was pressed after before this module was there (see early-enter.js), once */
  takeEarly() {
    const typed = this.#input.value;
    const ends = (this.#input.dataset.enters ?? "").split(" ").map(Number);
    delete this.#input.dataset.enters;
    this.#input.dispatchEvent(new Event("takeover"));
    const kept = ends.filter((end) => typed[end - 1] === "\n"); // what was changed since is not sent
    this.#input.value = typed.slice(kept.at(-1) ?? 0);
    return kept.map((end, index) => storable(typed.slice(kept[index - 1] ?? 0, end)).trim()).filter(Boolean);
  }

  focus() {
    this.#input.focus();
  }

  /** Do not send yet: a second press of Enter, or of what led here, is not meant for the text that stands here now. */
  settle() {
    this.#settledAt = performance.now() + SETTLE;
  }

  /** Put a text back, to be written anew; what stands there already is kept. */
  take(text) {
    this.#write([this.#input.value, text].filter(Boolean).join("\n"));
  }

  /** Add a text to what is to be sent, which comes by itself: the focus and the caret stay with what is written. */
  append(text) {
    const { value, selectionStart, selectionEnd } = this.#input;
    this.draft = [this.draft, text].filter(Boolean).join("\n");
    if (value && !this.#loan) this.#input.setSelectionRange(selectionStart, selectionEnd);
    this.onDraft(this.draft);
    this.settle();
  }

  /**
   * Let another text be written here for a while. What was written before waits until it is given back.
   * @param {string} text
   * @param {Borrower} borrower
   */
  lend(text, borrower) {
    this.#loan = { draft: this.draft, ...borrower };
    this.#form.classList.add("is-lent");
    this.#write(text);
  }

  /** Go on with what was written before. */
  giveBack() {
    const { draft } = this.#loan;
    this.#loan = null;
    this.#form.classList.remove("is-lent");
    this.settle();
    this.draft = draft; // not written anew: another tab may be writing it just now
    this.#isTouched = false;
    this.focus();
  }

  #write(text) {
    this.#input.value = text;
    this.#changed();
    this.#input.focus();
  }

  #written() {
    this.#settledAt = 0;
    this.#changed();
    if (!this.#loan && this.#input.value) this.onWrite();
  }

  #changed() {
    this.#isTouched = true;
    this.#fit();
    if (this.#loan) this.#loan.write(this.#input.value);
    else this.onDraft(this.#input.value);
  }

  #keyPressed(event) {
    // 229: Safari has ended the composition before it tells of the Enter that ended it.
    if (event.isComposing || event.keyCode === 229 || event.shiftKey) return;
    if (event.key !== "Enter") this.#settledAt = 0;
    const action = this.#actionOf(event.key);
    if (!action) return;
    event.preventDefault();
    action();
  }

  #actionOf(key) {
    if (key === "Enter") return () => this.#sendOnceReplaced();
    if (key === "Escape") return this.#loan?.cancel;
    if (key === "ArrowUp" && !this.#loan && !this.#input.value) return this.#onUp;
  }

  /** Send what stands here now: at the next change at the latest, which is no part of it. */
  async #sendOnceReplaced() {
    const [pending, loan] = [this.pending(), this.#loan];
    if (!pending) return this.#send();
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const changes = new AbortController();
    const changed = new Promise((resolve) => {
      this.#input.addEventListener("beforeinput", resolve, { signal: changes.signal });
      setTimeout(resolve, PATIENCE);
    });
    await Promise.race([pending, changed]);
    changes.abort();
    this.#isWaiting = false;
    if (loan === this.#loan) this.#send();
  }

  #send() {
    if (performance.now() < this.#settledAt) return;
    const text = storable(this.#input.value);
    if (this.isTooLong(text)) return; // it is said, and the text stays, so that it can be cut
    if (this.#loan) return this.#loan.send(text);
    this.#write("");
    if (text) this.#onSend(text);
  }

  #fit() {
    const length = lengthOf(this.#input.value.trimEnd());
    const isTooLong = length > this.#longest;
    const about = { length: numeral(length), most: numeral(this.#longest) };
    this.#problem.textContent = isTooLong ? gettext("Too long: {length} of {most} characters", about) : this.#warning;
    this.#input.ariaInvalid = String(isTooLong);
    this.#grow();
  }

  /** For browsers whose text areas do not grow by themselves. */
  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.#input.style.blockSize = "auto";
    this.#input.style.blockSize = `${this.#input.scrollHeight}px`;
  }
}

/** A text as the server stores it. */
function storable(text) {
  return wellFormed(text).replaceAll("\0", "").trimEnd();
}

/** How many characters a text has, of which some take two code units. */
function lengthOf(text) {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}
