/** What is being written: the browser keeps it for each person and room, and shows it in all of their tabs. */

import { withStorage } from "./storage.js";

/** Who has written something here within this time goes on writing it, whatever other tabs say (milliseconds). */
const WRITING = 5000;

export class Draft {
  #key;
  #composer;
  #writtenAt = -Infinity;

  /**
   * @param {string} owner whose draft this is, and for which room
   * @param {import("./composer.js").Composer} composer
   */
  constructor(owner, composer) {
    this.#key = `lobby.draft.${owner}`;
    this.#composer = composer;
    const kept = withStorage((storage) => storage.getItem(this.#key)) ?? "";
    composer.draft = kept + composer.draft; // somebody may have typed before this script was there
    composer.onDraft = (text) => this.#keep(text);
    addEventListener("storage", ({ key, newValue }) => key === this.#key && this.#adopt(newValue ?? ""));
  }

  #keep(text) {
    this.#writtenAt = performance.now();
    withStorage((storage) => (text ? storage.setItem(this.#key, text) : storage.removeItem(this.#key)));
  }

  #adopt(text) {
    if (performance.now() - this.#writtenAt > WRITING) this.#composer.draft = text;
  }
}
