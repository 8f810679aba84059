/**
 * Edits that are not saved: the browser keeps each for its person, room and message, so that a reload loses nothing.
 * An edit belongs to the tab that writes it, which holds its lock; another tab finds it once that one is gone.
 */

import { isText, keysAfter, orNothing, readJson, save, unsave } from "./storage.js";

/** How long a tab that is being reloaded may still hold its lock (milliseconds). */
const PATIENCE = 5000;

const NUMBER = /^[1-9]\d{0,14}$/;
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
  return keysAfter(prefixOf(owner), NUMBER).map(Number);
}

/**
 * Remove the edits that are kept.
 * @param {string} owner
 * @param {{number: number, message: string}[]} stored messages
 * @returns {string[]} the texts of those that are not stored
 */
export function takeEdits(owner, stored) {
  const prefix = prefixOf(owner);
  const isStored = (number, text) => stored.some((each) => each.number === number && each.message === text.trimEnd());
  return editedBy(owner).map((number) => {
    const text = readJson(prefix + number, SHAPE)?.text ?? "";
    unsave(prefix + number);
    return isStored(number, text) ? "" : text;
  });
}

export class KeptEdit {
  #prefix;
  /** @type {{number: number} | null} of which message this tab writes an edit, or looks for one */
  #claim = null;
  /** @type {(() => void) | null} lets go of the lock; null without it */
  #release = null;

  /** @param {string} owner whose edits, and in which room */
  constructor(owner) {
    this.#prefix = prefixOf(owner);
  }

  /** @returns {Promise<Edit | undefined>} an edit that was neither saved nor cancelled; it is this tab's from then on */
  async find() {
    for (const number of keysAfter(this.#prefix, NUMBER).map(Number)) {
      const claimed = this.claim(number);
      const claim = this.#claim;
      const isOurs = await claimed;
      if (this.#claim !== claim) return; // another edit has begun meanwhile
      const kept = isOurs && this.read(number);
      if (kept) return kept;
      this.#leave();
    }
  }

  /** @returns {Promise<boolean>} whether this tab has the lock, and `keep` keeps the edit of that message */
  claim(number) {
    this.#leave();
    this.#claim = { number };
    return this.#request(number, { signal: AbortSignal.timeout(PATIENCE) });
  }

  /** @returns {Edit | null} the edit of a message that was neither saved nor cancelled */
  read(number) {
    const kept = readJson(this.#prefix + number, SHAPE);
    return kept && { ...kept, number };
  }

  /** @returns {Promise<boolean>} whether this tab has the lock of a message that it still edits */
  #request(number, options) {
    const claim = this.#claim;
    return new Promise((resolve) => {
      const hold = (lock) =>
        new Promise((release) => {
          const isOurs = Boolean(lock) && this.#claim === claim;
          if (isOurs) this.#release = release;
          else release();
          resolve(isOurs);
        });
      if (!navigator.locks) return hold(true);
      navigator.locks.request(this.#prefix + number, options, hold).catch(() => resolve(false));
    });
  }

  /**
   * Another tab may have let go of the lock since this one asked for it.
   * @param {Edit} edit
   */
  async keep({ number, client_id, message, text }) {
    if (!this.#has(number)) await this.#request(number, { ifAvailable: true });
    if (!this.#has(number)) return;
    save(this.#prefix + number, JSON.stringify({ client_id, message, text }));
  }

  /** Nothing of an edit is to be kept. */
  forget(number) {
    if (this.#has(number)) unsave(this.#prefix + number);
  }

  /** This tab's edit has ended. */
  end(number) {
    this.forget(number);
    this.#leave();
  }

  #has(number) {
    return this.#release !== null && this.#claim?.number === number;
  }

  #leave() {
    this.#release?.();
    this.#release = this.#claim = null;
  }
}

function prefixOf(owner) {
  return `lobby.edit.${owner}.`;
}
