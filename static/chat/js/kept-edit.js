/**
 * Edits that are not saved: the browser keeps each for its person, room, message and tab, so that a reload loses nothing.
 * The tab that writes an edit holds the lock of its key; another tab takes the edit up once that tab is gone.
 */

import { ID, newId } from "./outbox.js";
import { isText, keysAfter, orNothing, readJson, save, unsave } from "./storage.js";

/** How long a tab that is being reloaded may still hold its lock (milliseconds). */
const PATIENCE = 5000;

/** What follows the prefix in a key; an earlier version had one key for all tabs. */
const NUMBER_AND_ID = new RegExp(`^([1-9]\\d{0,14})(?:\\.${ID})?$`);

const SHAPE = { message: isText, text: isText, client_id: orNothing(isText) };

/**
 * @typedef {object} Edit
 * @property {number} number of the message
 * @property {string} [client_id] of the message; none in what an earlier version has kept
 * @property {string} message its text as it was stored
 * @property {string} text what it is to be
 */

/** @param {string} owner @returns {number[]} the messages of which edits are kept */
export function editedBy(owner) {
  return [...new Set(keysOf(owner).map(({ number }) => number))];
}

/**
 * Remove the edits that are kept.
 * @param {string} owner
 * @param {{number: number, message: string}[]} stored messages
 * @returns {string[]} the texts of those that are not stored
 */
export function takeEdits(owner, stored) {
  const isStored = (number, text) => stored.some((each) => each.number === number && each.message === text.trimEnd());
  return keysOf(owner).map(({ key, number }) => {
    const text = readJson(key, SHAPE)?.text ?? "";
    unsave(key);
    return isStored(number, text) ? "" : text;
  });
}

export class KeptEdit {
  #owner;
  /** @type {string | null} under which this tab keeps its edit */
  #key = null;
  /** @type {Promise<(() => void) | null>} lets go of the lock of that key */
  #lock = Promise.resolve(null);

  /** @param {string} owner whose edits, and in which room */
  constructor(owner) {
    this.#owner = owner;
  }

  /**
   * Take up an edit that a tab has left: it is this tab's from then on.
   * @param {() => boolean} isWanted asked once there is one; a tab that keeps an edit wants no other
   * @param {number} [of] the message; without it, any
   * @returns {Promise<Edit | undefined>}
   */
  async find(isWanted, of) {
    for (const { key, number } of keysOf(this.#owner)) {
      if (of && number !== of) continue;
      const lock = request(key, AbortSignal.timeout(PATIENCE));
      const release = await lock;
      const isOurs = release && !this.#key && isWanted();
      const kept = isOurs && readJson(key, SHAPE);
      if (kept) {
        [this.#key, this.#lock] = [key, lock];
        return { ...kept, number };
      }
      release?.();
    }
  }

  /** @param {Edit} edit */
  keep({ number, client_id, message, text }) {
    if (!this.#key) {
      this.#key = `${prefixOf(this.#owner)}${number}.${newId()}`;
      this.#lock = request(this.#key); // before there is anything that another tab may find
    }
    save(this.#key, JSON.stringify({ client_id, message, text }));
  }

  /** Nothing of this tab's edit is to be kept. */
  forget() {
    if (this.#key) unsave(this.#key);
  }

  /** This tab's edit has ended. */
  end() {
    this.forget();
    this.#key = null;
    this.#lock.then((release) => release?.());
  }
}

/** @returns {Promise<(() => void) | null>} lets go of a lock; null where another tab holds it for too long */
function request(name, signal) {
  return new Promise((resolve) => {
    if (!navigator.locks) return resolve(() => {});
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
