/** Changing what one has said. It is done in the composer, where what was being written waits meanwhile. */

/** @typedef {import("./message.js").Message} Message */

export class Editing {
  #bar;
  #composer;
  #changes;
  /** @type {Message | null} as it is stored */
  #message = null;

  /**
   * @param {HTMLElement} bar what stands above the composer meanwhile
   * @param {import("./composer.js").Composer} composer
   * @param {import("./changes.js").Changes} changes
   */
  constructor(bar, composer, changes) {
    this.#bar = bar;
    this.#composer = composer;
    this.#changes = changes;
    bar.querySelector("button").addEventListener("click", () => this.#end());
  }

  /** @param {Message} message one of the reader's own */
  begin(message) {
    if (!this.leave()) return;
    this.#message = message;
    this.#bar.hidden = false;
    this.#say("");
    this.#composer.lend(message.message, (text) => this.#save(text), () => this.#end());
  }

  /** End an edit in which nothing was written. @returns {boolean} whether the composer is free */
  leave() {
    if (!this.#message) return true;
    if (this.#composer.text.trimEnd() === this.#message.message.trimEnd()) this.#end();
    else this.#say("Save or cancel this first.");
    this.#composer.focus();
    return !this.#message;
  }

  /** @param {Message} message as it now is */
  told(message) {
    if (message.number !== this.#message?.number) return;
    if (message.message === this.#composer.text.trimEnd()) return this.#end();
    this.#message = message;
    this.#say(message.deleted ? "It was deleted meanwhile. You may still copy this." : "");
  }

  async #save(text) {
    const { number, message } = this.#message;
    if (text === message.trimEnd()) return this.#end();
    this.#say("Saving…");
    const problem = await this.#changes.ask({ type: "edit", number, message: text });
    if (problem && this.#message?.number === number) this.#say(`Not saved: ${problem}.`, true);
  }

  #end() {
    this.#message = null;
    this.#bar.hidden = true;
    this.#composer.giveBack();
  }

  #say(said, isProblem = false) {
    const place = this.#bar.querySelector("[role=status]");
    place.textContent = said || "Editing a message";
    place.classList.toggle("editing__problem", isProblem);
  }
}
