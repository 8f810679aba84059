/** The draft in the composer: stored for each person and room, and shared by all of the person's tabs. */

import { isAnything, readJson, readText, save, unsave } from "../../../base/js/storage.js";
import { peopleIn } from "../text/mentions.js";

/** How long after the last input in this tab the drafts of other tabs are ignored (milliseconds). */
const TYPING_TIME = 5000;

/** Remove a draft. @param {string} owner @returns {string} its text */
export function takeDraft(owner) {
  const key = keyOf(owner);
  const text = readText(key) ?? "";
  unsave(key);
  unsave(mentionsKeyOf(owner));
  return text;
}

export class Draft {
  #key;
  #mentionsKey;
  #composer;
  #typedAt = -Infinity;

  /**
   * @param {string} owner the draft's person and room
   * @param {import("./composer.js").Composer} composer
   * @param {boolean} isReload whether this tab has shown the draft before: what was typed since continues it
   * @param {AbortSignal} signal aborted when the room is left
   */
  constructor(owner, composer, isReload, signal) {
    this.#key = keyOf(owner);
    this.#mentionsKey = mentionsKeyOf(owner);
    this.#composer = composer;
    const stored = readText(this.#key) ?? "";
    const early = composer.draft; // typed before this module had loaded
    const mentions = this.#readMentions(stored);
    const text = [stored, early].filter(Boolean).join(isReload ? "" : "\n");
    composer.setDraft(text, mentions);
    if (early) this.#save(text, mentions);
    if (stored) composer.guardEnter();
    composer.onDraft = (text, mentions) => this.#save(text, mentions);
    const changed = ({ key, oldValue, newValue }) => {
      if (key === this.#key) composer.afterComposition(() => this.#sync(newValue ?? "", oldValue ?? ""));
    };
    addEventListener("storage", changed, { signal });
  }

  #save(text, mentions) {
    this.#typedAt = performance.now();
    this.#store(text, mentions);
  }

  /** Store the mentions under another key, for tabs of an earlier version, and first: other tabs read them after a change of the text. */
  #store(text, mentions) {
    if (mentions.length) save(this.#mentionsKey, JSON.stringify({ mentions }));
    else unsave(this.#mentionsKey);
    if (text) save(this.#key, text);
    else unsave(this.#key);
  }

  #readMentions(text) {
    return peopleIn(text, readJson(this.#mentionsKey, { mentions: isAnything })?.mentions);
  }

  /** Show the draft as another tab has changed it, unless this tab has changed it as well. */
  #sync(text, before) {
    const { draft } = this.#composer;
    const isIdle = performance.now() - this.#typedAt > TYPING_TIME;
    if (isIdle || draft === before) this.#composer.setDraft(text, this.#readMentions(text));
    else if (!text) this.#store(draft, this.#composer.draftMentions); // the other tab has sent its draft, this one has another
  }
}

function keyOf(owner) {
  return `lobby.draft.${owner}`;
}

/** The people who were chosen for names in the draft. */
function mentionsKeyOf(owner) {
  return `lobby.mentions.${owner}`;
}
