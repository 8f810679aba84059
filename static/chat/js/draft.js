/** What is being written: the browser keeps it for each person and room, and shows it in all of their tabs. */

import { save, unsave, withStorage } from "./storage.js";

/** Who has written something here within this time goes on writing it, whatever other tabs say (milliseconds). */
const WRITING = 5000;

/** Remove a draft. @param {string} owner @returns {string} what it was */
export function takeDraft(owner) {
  const key = keyOf(owner);
  const text = withStorage((storage) => storage.getItem(key)) ?? "";
  unsave(key);
  return text;
}

export class Draft {
  #key;
  #composer;
  #writtenAt = -Infinity;

  /**
   * @param {string} owner whose draft this is, and for which room
   * @param {import("./composer.js").Composer} composer
   */
  constructor(owner, composer) {
    this.#key = keyOf(owner);
    this.#composer = composer;
    const kept = withStorage((storage) => storage.getItem(this.#key)) ?? "";
    const early = composer.draft; // somebody may have typed before this script was there
    composer.draft = kept + early;
    if (early) this.#keep(kept + early);
    composer.onDraft = (text) => this.#keep(text);
    addEventListener("storage", ({ key, oldValue, newValue }) => {
      if (key === this.#key) this.#adopt(newValue ?? "", oldValue ?? "");
    });
  }

  #keep(text) {
    this.#writtenAt = performance.now();
    this.#store(text);
  }

  #store(text) {
    if (text) save(this.#key, text);
    else unsave(this.#key);
  }

  /** Show what another tab has made of the draft, unless something else is being written here. */
  #adopt(text, before) {
    const { draft } = this.#composer;
    const isIdle = performance.now() - this.#writtenAt > WRITING;
    if (isIdle || draft === before) this.#composer.draft = text;
    else if (!text) this.#store(draft); // the other tab's has ended, and this one goes on
  }
}

function keyOf(owner) {
  return `lobby.draft.${owner}`;
}
