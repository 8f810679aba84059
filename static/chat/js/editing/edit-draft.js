/**
 * Drafts of edits: stored by person, room, message and tab, so that a reload loses nothing. The tab that edits holds a lock
 * with the name of the key; another tab can continue the edit once that tab is closed. Over plain HTTP there are no locks:
 * there the draft says when its tab was alive, or that it is closed.
 */

import { isAnything, isCount, isText, keysAfter, optional, readJson, save, unsave } from "../../../base/js/storage.js";
import { ID, newId } from "../../../base/js/uuid.js";
import { isLeft } from "../composer/early-text.js";
import { peopleIn } from "../text/mentions.js";

/** How long a tab that is being reloaded may still hold its lock (milliseconds). */
const LOCK_TIMEOUT = 5000;

/** The end of a key, after its prefix. An earlier version had one key for all tabs. */
const NUMBER_AND_ID = new RegExp(`^([1-9]\\d{0,14})(?:\\.${ID})?$`);

const SHAPE = {
  message: isText,
  text: isText,
  client_id: optional(isText),
  seq: optional(isCount),
  mentions: isAnything,
  aside: isAnything,
  at: optional(isCount),
};

/**
 * @typedef {object} Edit
 * @property {number} number of the message
 * @property {string} [client_id] of the message; missing in drafts of an earlier version
 * @property {number} [seq] of the message; missing in drafts of an earlier version
 * @property {string} message its text, as it was stored
 * @property {string} text its new text
 * @property {import("../text/mentions.js").Person[]} [mentions] people who were chosen for names in the new text
 * @property {boolean} [aside] whether the person has left the edit by Escape
 */

/** @param {string} owner @returns {number[]} the numbers of the messages that have drafts */
export function editedMessages(owner) {
  return [...new Set(keysOf(owner).map(({ number }) => number))];
}

/**
 * Remove all drafts.
 * @param {string} owner
 * @param {{number: number, message: string}[]} stored messages
 * @returns {string[]} the texts of drafts that are not stored
 */
export function takeEdits(owner, stored) {
  const isStored = (number, text) => stored.some((each) => each.number === number && each.message === text.trimEnd());
  return keysOf(owner).map(({ key, number }) => {
    const text = readJson(key, SHAPE)?.text ?? "";
    unsave(key);
    return isStored(number, text) ? "" : text;
  });
}

export class EditDraft {
  #owner;
  /** @type {string | null} the key of this tab's draft */
  #key = null;
  /** @type {Promise<(() => void) | null>} resolves to a function that releases the lock of that key */
  #lock = Promise.resolve(null);

  /**
   * @param {string} owner the drafts' person and room
   * @param {AbortSignal} signal aborted when the room is left
   */
  constructor(owner, signal) {
    this.#owner = owner;
    addEventListener("pagehide", () => this.#touch(0), { signal });
    addEventListener("pageshow", ({ persisted }) => persisted && this.#touch(Date.now()), { signal });
  }

  /**
   * Find a draft that a closed tab has left, and make it this tab's draft.
   * @param {() => boolean} isWanted called when there is one
   * @param {number} [message] its number; without it, any message
   * @returns {Promise<Edit | undefined>}
   */
  async find(isWanted, message) {
    for (const { key, number } of keysOf(this.#owner)) {
      if (message && number !== message) continue;
      const lock = request(key, AbortSignal.timeout(LOCK_TIMEOUT));
      const release = await lock;
      const isOurs = release && !this.#key && isWanted();
      const draft = isOurs && readJson(key, SHAPE);
      if (draft) {
        [this.#key, this.#lock] = [key, lock];
        this.#touch(Date.now());
        return { ...draft, mentions: peopleIn(draft.text, draft.mentions), number };
      }
      release?.();
    }
  }

  /** @param {Edit} edit */
  save({ number, client_id, seq, message, text, mentions, aside }) {
    if (!this.#key) {
      this.#key = `${prefixOf(this.#owner)}${number}.${newId()}`;
      this.#lock = request(this.#key); // before another tab can find the draft
    }
    save(this.#key, JSON.stringify({ client_id, seq, message, text, mentions, aside, at: Date.now() }));
  }

  /** @param {number} at when the tab was alive; 0 once it is closed */
  #touch(at) {
    const draft = this.#key && readJson(this.#key, SHAPE);
    if (draft) save(this.#key, JSON.stringify({ ...draft, at }));
  }

  /** Remove this tab's draft, and keep its key and lock. */
  remove() {
    if (this.#key) unsave(this.#key);
  }

  /** Remove this tab's draft, and release its lock. */
  end() {
    this.remove();
    this.release();
  }

  /** Release the lock of this tab's draft, so that the edit can be continued when the room is opened again. */
  release() {
    this.#touch(0);
    this.#key = null;
    this.#lock.then((release) => release?.());
  }
}

/** Request a lock. @returns {Promise<(() => void) | null>} releases it; null if another tab holds it for too long */
function request(name, signal) {
  return new Promise((resolve) => {
    if (!navigator.locks) return resolve(isLeft(readJson(name, SHAPE)?.at ?? 0) ? () => {} : null);
    navigator.locks.request(name, { signal }, () => new Promise((release) => resolve(release))).catch(() => resolve(null));
  });
}

function keysOf(owner) {
  const prefix = prefixOf(owner);
  return keysAfter(prefix, NUMBER_AND_ID).map((rest) => ({
    key: prefix + rest,
    number: Number(NUMBER_AND_ID.exec(rest)[1]),
  }));
}

function prefixOf(owner) {
  return `lobby.edit.${owner}.`;
}
