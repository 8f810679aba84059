/** Outbox: messages that the server has not acknowledged yet. The browser stores them, so that a reload loses nothing. */

import { isAnything, isCount, isText, isTime, optional } from "../../../base/js/storage.js";
import { isRemoved, keysAfter, parseJson, readJson, save, unsave } from "../../../base/js/storage.js";
import { ID, newId } from "../../../base/js/uuid.js";
import { peopleIn } from "../text/mentions.js";
import { wellFormed } from "../text/well-formed.js";

/**
 * @typedef {object} Unsent
 * @property {string} client_id
 * @property {string} message the text
 * @property {import("../text/mentions.js").Person[]} [mentions] people who were chosen for names in the text
 * @property {string} at ISO 8601, shown with the message
 * @property {number} [order] grows with each message; missing in entries of an earlier version
 * @property {string} [room] name of the room, as on its page, since the room may not exist yet; missing in entries of an
 *   earlier version
 * @property {string | null} failed the reason of a final refusal
 */

const PREFIX = "lobby.unsent.";

/** How long a tab has to send its own messages, before others send them as well (milliseconds). */
const OWN_TIME = 5000;

const CLIENT_ID = new RegExp(`^${ID}$`);
const ROOM_AND_ID = new RegExp(`^(.+)\\.${ID}$`, "s");

const isName = (value) => isText(value) && value.isWellFormed();
const SHAPE = {
  message: isText,
  mentions: isAnything,
  at: isTime,
  failed: optional(isText),
  order: optional(isCount),
  room: optional(isName),
};

/** @returns {string[]} the keys of the rooms for which a person has unacknowledged messages */
export function roomsWithUnsent(you) {
  const rooms = keysAfter(`${PREFIX}${you}.`, ROOM_AND_ID).map((rest) => ROOM_AND_ID.exec(rest)[1]);
  return [...new Set(rooms.filter((room) => room.isWellFormed()))];
}

/** @param {string} owner a person and room @returns {string[]} the client_ids of unacknowledged messages */
export function unsentOf(owner) {
  return keysAfter(`${PREFIX}${owner}.`, CLIENT_ID);
}

/**
 * Remove all unacknowledged messages.
 * @param {string} owner
 * @param {string[]} stored the client_ids of those that the server has stored
 * @returns {string[]} the texts of the others, in the order of writing
 */
export function takeUnsent(owner, stored) {
  const outbox = new Outbox(owner);
  stored.forEach((clientId) => outbox.remove(clientId));
  return outbox.all.map(({ client_id: clientId, message }) => {
    outbox.remove(clientId);
    return message;
  });
}

/**
 * Observe whether messages may wait that no tab sends: one was stored in another tab, which may be closed since, the
 * network is back, or the page is visible again.
 * @param {number} you the person's id
 * @param {() => void} send
 * @param {AbortSignal} [signal] ends these calls
 */
export function watchUnsent(you, send, signal) {
  let timer = 0;
  addEventListener("online", send, { signal });
  document.addEventListener("visibilitychange", () => document.hidden || send(), { signal });
  const stored = ({ key, newValue }) => {
    if (!newValue || !key.startsWith(`${PREFIX}${you}.`)) return;
    timer ||= setTimeout(() => {
      timer = 0;
      send();
    }, OWN_TIME);
  };
  addEventListener("storage", stored, { signal });
  signal?.addEventListener("abort", () => clearTimeout(timer));
}

export class Outbox {
  #prefix;
  #onChange;
  /** @type {Map<string, Unsent>} */
  #entries = new Map();

  /**
   * @param {string} owner a person and room
   * @param {(clientId: string, entry?: Unsent) => void} [onChange] called when another tab's message is refused there, and
   *   without an entry when another tab has discarded a message; without it, no changes of other tabs are followed
   * @param {AbortSignal} [signal] ends these calls
   */
  constructor(owner, onChange, signal) {
    this.#prefix = `${PREFIX}${owner}.`;
    this.#onChange = onChange;
    this.adopt();
    if (onChange) addEventListener("storage", (event) => this.#follow(event), { signal });
  }

  /**
   * Another tab has changed a message: mark it if it was refused there, and drop it if it was discarded after that. A
   * message that was removed without a refusal is stored: it waits here until it arrives.
   */
  #follow({ key, newValue }) {
    const entry = key?.startsWith(this.#prefix) && this.#entries.get(key.slice(this.#prefix.length));
    if (!entry) return;
    if (newValue === null) return entry.failed && this.#drop(entry.client_id);
    const failed = parseJson(newValue)?.failed;
    if (!isText(failed)) return;
    entry.failed = failed;
    this.#onChange(entry.client_id, entry);
  }

  /**
   * Add the messages of other tabs, which may have been closed. The server stores a message that two tabs send once, by its
   * client_id.
   * @returns {Unsent[]} the added messages
   */
  adopt() {
    const found = this.#stored().filter((entry) => !this.#entries.has(entry.client_id));
    const all = [...this.all, ...found].sort(byOrder);
    this.#entries = new Map(all.map((entry) => [entry.client_id, entry]));
    return found;
  }

  /** @returns {Unsent[]} in the order of writing */
  get all() {
    return [...this.#entries.values()];
  }

  /** @returns {Unsent[]} messages that can be sent, in the order of writing */
  get waiting() {
    return this.all.filter((entry) => !entry.failed);
  }

  /**
   * @param {string} message
   * @param {string} room its name
   * @param {import("../text/mentions.js").Person[]} [mentions] people who were chosen for names in the text
   * @returns {Unsent}
   */
  add(message, room, mentions) {
    const last = Math.max(0, ...[...this.all, ...this.#stored()].map(orderOf));
    const order = Math.min(last + 1, Number.MAX_SAFE_INTEGER); // and no time: clocks can be set back
    const entry = { client_id: newId(), message, mentions, at: new Date().toISOString(), order, room, failed: null };
    this.#store(entry);
    return entry;
  }

  /** Mark a message as refused for good, or drop it if another tab has removed it. @returns {Unsent | undefined} */
  fail(clientId, reason) {
    const entry = this.#entries.get(clientId);
    if (isRemoved(this.#prefix + clientId)) this.#drop(clientId);
    else if (entry) this.#store({ ...entry, failed: reason });
    return this.#entries.get(clientId);
  }

  /** Remove a message, which may be another tab's: the server has stored it, or it is discarded. */
  remove(clientId) {
    this.#entries.delete(clientId);
    unsave(this.#prefix + clientId);
  }

  /** Remove a message that another tab has removed. */
  #drop(clientId) {
    this.remove(clientId);
    this.#onChange?.(clientId);
  }

  #store(entry) {
    this.#entries.set(entry.client_id, entry);
    save(this.#prefix + entry.client_id, JSON.stringify(entry));
  }

  /** @returns {Unsent[]} */
  #stored() {
    const entries = keysAfter(this.#prefix, CLIENT_ID).map((id) => {
      const entry = readJson(this.#prefix + id, SHAPE);
      if (!entry) return null;
      const message = wellFormed(entry.message);
      return { ...entry, message, mentions: peopleIn(message, entry.mentions), client_id: id };
    });
    return entries.filter(Boolean);
  }
}

function orderOf({ order }) {
  return order ?? 0;
}

function byOrder(one, other) {
  return orderOf(one) - orderOf(other) || one.at.localeCompare(other.at);
}
