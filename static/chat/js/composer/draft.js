/** The draft in the composer: stored for each person and room, and shared by all of the person's tabs. */

import { save, unsave, withStorage } from "../../../base/js/storage.js";

/** For so long after the last input in this tab, drafts of other tabs are ignored (milliseconds). */
const TYPING_TIME = 5000;

/** Remove a draft. @param {string} owner @returns {string} its text */
export function takeDraft(owner) {
  const key = keyOf(owner);
  const text = withStorage((storage) => storage.getItem(key)) ?? "";
  unsave(key);
  return text;
}

export class Draft {
  #key;
  #composer;
  #typedAt = -Infinity;

  /**
   * @param {string} owner the draft's person and room
   * @param {import("./composer.js").Composer} composer
   */
  constructor(owner, composer) {
    this.#key = keyOf(owner);
    this.#composer = composer;
    const stored = withStorage((storage) => storage.getItem(this.#key)) ?? "";
    const early = composer.draft; // typed before this module had loaded
    composer.draft = stored + early;
    if (early) this.#save(stored + early);
    else if (stored) composer.guardEnter();
    composer.onDraft = (text) => this.#save(text);
    addEventListener("storage", ({ key, oldValue, newValue }) => {
      if (key === this.#key) this.#sync(newValue ?? "", oldValue ?? "");
    });
  }

  #save(text) {
    this.#typedAt = performance.now();
    this.#store(text);
  }

  #store(text) {
    if (text) save(this.#key, text);
    else unsave(this.#key);
  }

  /** Show the draft as another tab has changed it, unless this tab has changed it as well. */
  #sync(text, before) {
    const { draft } = this.#composer;
    const isIdle = performance.now() - this.#typedAt > TYPING_TIME;
    if (isIdle || draft === before) this.#composer.draft = text;
    else if (!text) this.#store(draft); // the other tab has sent its draft, and this tab has another one
  }
}

function keyOf(owner) {
  return `lobby.draft.${owner}`;
}
