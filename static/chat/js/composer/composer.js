/** Composer: the text field of a room. Enter sends, Shift-Enter adds a line, Enter of an input method does neither. */

import { gettext, formatNumber } from "../../../base/js/i18n.js";
import { isOfInputMethod } from "../../../base/js/input-method.js";
import { DOUBLE_PRESS_TIME } from "../../../base/js/key-repeat.js";
import { insertText } from "./insert-text.js";
import { peopleIn } from "../text/mentions.js";
import { wellFormed } from "../text/well-formed.js";

/** From which part of the limit on the length of a text is shown. */
const COUNTER_START = 0.9;

/** For so long after a change of the text, the person may be about to type more (milliseconds). */
const TYPING_TIME = 3000;

/** How long Enter waits for a shortcode to be replaced (milliseconds). */
const REPLACEMENT_TIMEOUT = 1000;

/**
 * Callbacks for another text that is edited in the composer: on each change, on Enter, and on Escape.
 * @typedef {import("../text/mentions.js").Person} Person
 * @typedef {{onChange: () => void, onSubmit: (text: string, mentions: Person[]) => void, onCancel: () => void}} EditCallbacks
 * @typedef {{draft: string, chosen: Person[]} & EditCallbacks} Edit with the draft that waits meanwhile
 */

export class Composer {
  #form;
  #input;
  #onSend;
  #onArrowUp;
  #maxLength;
  #problem;
  #counter;
  /** @type {Edit | null} */
  #edit = null;
  #guardedUntil = 0;
  #isWaiting = false;
  #isTouched;
  #changedAt = -Infinity;
  #isComposing;
  /** @type {Person[]} chosen from suggestions for names in the current text, the last one last */
  #chosen = [];

  /** @type {(text: string, mentions: Person[]) => void} called on each change of the draft */
  onDraft = () => {};

  #warning = "";

  /** @type {() => Promise<void> | null} a promise that sending waits for */
  pending = () => null;

  /** Called when the person types into the draft. */
  onType = () => {};

  /**
   * @param {HTMLFormElement} form
   * @param {(text: string, mentions: Person[]) => void} onSend
   * @param {() => void} onArrowUp called for the up arrow in an empty composer
   * @param {number} maxLength of a message (characters)
   * @param {HTMLElement} problem shows warnings
   */
  constructor(form, onSend, onArrowUp, maxLength, problem) {
    this.#form = form;
    this.#input = form.querySelector("textarea");
    this.#isTouched = this.#input.value !== ""; // typed before this module had loaded
    this.#isComposing = "composing" in this.#input.dataset; // since before this module had loaded
    this.#onSend = onSend;
    this.#onArrowUp = onArrowUp;
    this.#maxLength = maxLength;
    this.#problem = problem;
    this.#counter = form.querySelector(".composer__counter");
    this.#input.addEventListener("keydown", (event) => this.#keyPressed(event));
    this.#input.addEventListener("input", () => this.#typed());
    this.#input.addEventListener("compositionstart", () => (this.#isComposing = true));
    this.#input.addEventListener("compositionend", () => (this.#isComposing = false));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submitOnceReplaced();
    });
  }

  get text() {
    return this.#input.value;
  }

  /** The draft of a new message. It waits while another text is edited. */
  get draft() {
    return this.#edit?.draft ?? this.#input.value;
  }

  /** Exchange the draft. @param {string} text @param {Person[]} chosen for names in the draft */
  setDraft(text, chosen) {
    if (this.#edit) Object.assign(this.#edit, { draft: text, chosen });
    else [this.#input.value, this.#chosen] = [text, chosen];
    this.#validate();
  }

  /** @returns {Person[]} the people who were chosen for names in the draft */
  get draftMentions() {
    return peopleIn(this.draft, this.#edit?.chosen ?? this.#chosen);
  }

  /** @returns {Person[]} the people who were chosen for names in the current text */
  get mentions() {
    return peopleIn(this.#input.value, this.#chosen);
  }

  /** Mention a person by this name in the current text, even if it is another person's by then. @param {Person} person */
  choose({ id, name }) {
    this.#chosen = [...this.#chosen.filter((each) => each.name !== name), { id, name }];
  }

  /** @param {string} text shown below the composer while the draft itself has no problem; empty for none */
  setWarning(text) {
    this.#warning = text;
    this.#validate();
  }

  /** @param {string} text shown below the composer until the text changes */
  showNotice(text) {
    this.#problem.textContent = text;
  }

  /** @returns {boolean} whether a text is longer than a message may be */
  isTooLong(text) {
    return lengthOf(text) > this.#maxLength;
  }

  /**
   * @returns {boolean} whether the person is not typing: nothing was typed here since the page opened or an edit ended,
   *   and no other field has the focus
   */
  get isIdle() {
    return !this.#isTouched && !document.activeElement?.matches("input");
  }

  /** @returns {boolean} whether a text may appear: the text field is empty, and the person is not typing, here or elsewhere */
  get isFree() {
    const isTyping = this.#isComposing || performance.now() - this.#changedAt < TYPING_TIME;
    return !this.#edit && !this.#input.value && !isTyping && !document.activeElement?.matches("input");
  }

  /** Run an action that exchanges the text: at once, or when the input method has composed what is being typed. */
  afterComposition(action) {
    if (this.#isComposing) this.#input.addEventListener("compositionend", action, { once: true });
    else action();
  }

  /** Take over from early-input.js. @returns {string[]} the texts for which Enter was pressed there */
  takeEarlyInput() {
    const typed = this.#input.value;
    const ends = (this.#input.dataset.enters ?? "").split(" ").map(Number);
    delete this.#input.dataset.enters;
    if (typed) this.#changedAt = performance.now();
    this.#input.dispatchEvent(new Event("takeover"));
    const valid = ends.filter((end) => typed[end - 1] === "\n"); // texts that were changed since are not sent
    this.#input.value = typed.slice(valid.at(-1) ?? 0);
    return valid.map((end, index) => normalize(typed.slice(valid[index - 1] ?? 0, end)).trim()).filter(Boolean);
  }

  focus() {
    this.#input.focus();
  }

  /** Ignore Enter for a moment: a double press is not meant for the text that has just appeared. */
  guardEnter() {
    this.#guardedUntil = performance.now() + DOUBLE_PRESS_TIME;
  }

  /** Mention a person at the caret. @param {Person} person */
  mention(person) {
    this.choose(person);
    const before = this.#input.value.slice(0, this.#input.selectionStart);
    insertText(this.#input, `${/\S$/u.test(before) ? " " : ""}@${person.name} `);
  }

  /** Add a text to the text field, and focus it. @param {string} text @param {Person[]} [mentions] */
  insert(text, mentions) {
    mentions?.forEach((person) => this.choose(person));
    this.#setText([this.#input.value, text].filter(Boolean).join("\n"));
  }

  /** Show a text while the composer is free, without moving the focus. */
  offer(text) {
    this.setDraft(text, []);
    this.onDraft(text, []);
    this.guardEnter();
  }

  /**
   * Edit another text in the composer. The draft waits until `endEdit`.
   * @param {string} text
   * @param {Person[]} mentions
   * @param {EditCallbacks} callbacks
   */
  beginEdit(text, mentions, callbacks) {
    this.#edit = { draft: this.draft, chosen: this.draftMentions, ...callbacks };
    this.#chosen = mentions;
    this.#form.classList.add("is-editing");
    this.#setText(text);
  }

  /** Return to the draft. */
  endEdit() {
    const { draft, chosen } = this.#edit;
    this.#edit = null;
    this.#form.classList.remove("is-editing");
    this.guardEnter();
    this.setDraft(draft, chosen); // and do not save it: another tab may be changing it
    this.#isTouched = false;
    this.focus();
  }

  #setText(text) {
    this.#input.value = text;
    this.#changed();
    this.#input.focus();
  }

  #typed() {
    this.#guardedUntil = 0;
    this.#changed();
    if (!this.#edit && this.#input.value) this.onType();
  }

  #changed() {
    this.#isTouched = true;
    this.#changedAt = performance.now();
    this.#validate();
    if (this.#edit) this.#edit.onChange();
    else this.onDraft(this.#input.value, this.mentions);
  }

  #keyPressed(event) {
    if (isOfInputMethod(event) || event.shiftKey) return;
    if (event.altKey && event.key === "ArrowUp") return; // opens another room: see room-keys.js
    if (event.key !== "Enter") this.#guardedUntil = 0;
    const action = this.#actionOf(event.key);
    if (!action) return;
    event.preventDefault();
    action();
  }

  #actionOf(key) {
    if (key === "Enter") return () => this.#submitOnceReplaced();
    if (key === "Escape") return this.#edit?.onCancel;
    if (key === "ArrowUp" && !this.#edit && !this.#input.value) return this.#onArrowUp;
  }

  /** Submit the current text once its shortcode is replaced, and at the latest before the next change of the text. */
  async #submitOnceReplaced() {
    const [pending, edit] = [this.pending(), this.#edit];
    if (!pending) return this.#submit();
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const changes = new AbortController();
    const changed = new Promise((resolve) => {
      this.#input.addEventListener("beforeinput", resolve, { signal: changes.signal });
      setTimeout(resolve, REPLACEMENT_TIMEOUT);
    });
    await Promise.race([pending, changed]);
    changes.abort();
    this.#isWaiting = false;
    if (edit === this.#edit) this.#submit();
  }

  #submit() {
    if (performance.now() < this.#guardedUntil) return;
    const text = normalize(this.#input.value);
    if (this.isTooLong(text)) return; // `#validate` shows a warning, and the text stays, to be shortened
    const { mentions } = this;
    if (this.#edit) return this.#edit.onSubmit(text, mentions);
    this.#chosen = [];
    this.#setText("");
    if (text) this.#onSend(text, mentions);
  }

  #validate() {
    const length = lengthOf(this.#input.value.trimEnd());
    const isTooLong = length > this.#maxLength;
    const about = { length: formatNumber(length), most: formatNumber(this.#maxLength) };
    const problem = isTooLong ? gettext("Too long: {length} of {most} characters", about) : this.#warning;
    if (this.#problem.textContent !== problem) this.#problem.textContent = problem; // else it is read out with each key
    this.#input.ariaInvalid = String(isTooLong);
    this.#counter.hidden = length < COUNTER_START * this.#maxLength;
    this.#counter.textContent = `${about.length} / ${about.most}`;
    this.#counter.classList.toggle("composer__counter--problem", isTooLong);
    this.#grow();
  }

  /** Grow with the text, for browsers without `field-sizing`. The form keeps its height meanwhile, or the timeline would move. */
  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.#form.style.blockSize = `${this.#form.offsetHeight}px`;
    this.#input.style.blockSize = "auto"; // which is one line, however long the placeholder is
    if (this.#input.value) this.#input.style.blockSize = `${this.#input.scrollHeight}px`;
    this.#form.style.blockSize = "";
  }
}

/** Normalize a text as the server does. */
function normalize(text) {
  return wellFormed(text).replaceAll("\0", "").trimEnd();
}

/** Count the characters (code points) of a text: some take two code units. */
function lengthOf(text) {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}
