/** Where one writes: Enter sends, Shift-Enter breaks the line, an input method's Enter does neither. */

export class Composer {
  #input;
  #onSend;

  /**
   * @param {HTMLFormElement} form
   * @param {(text: string) => void} onSend
   */
  constructor(form, onSend) {
    this.#input = form.querySelector("textarea");
    this.#onSend = onSend;
    this.#input.addEventListener("keydown", (event) => this.#keyPressed(event));
    this.#input.addEventListener("input", () => this.#grow());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#input.focus();
  }

  /** Put a text back, to be written anew; what stands there already is kept. */
  take(text) {
    this.#input.value = [this.#input.value, text].filter(Boolean).join("\n");
    this.#grow();
    this.#input.focus();
  }

  #keyPressed(event) {
    // 229: Safari has ended the composition before it tells of the Enter that ended it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#send();
  }

  #send() {
    const text = this.#input.value.trimEnd();
    this.#input.value = "";
    this.#grow();
    this.#input.focus();
    if (text) this.#onSend(text);
  }

  /** For browsers whose text areas do not grow by themselves. */
  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.#input.style.blockSize = "auto";
    this.#input.style.blockSize = `${this.#input.scrollHeight}px`;
  }
}
