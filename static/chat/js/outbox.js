/** What was written and is not yet acknowledged. The browser keeps it, so that a reload loses nothing. */

import { isCount, isText, isTime, keysAfter, orNothing, readJson, save, unsave } from "./storage.js";
import { wellFormed } from "./well-formed.js";

/**
 * @typedef {object} Unsent
 * @property {string} client_id
 * @property {string} message the text
 * @property {string} at ISO 8601, to be shown
 * @property {number} [order] grows with each that is added; none in what an earlier version has kept
 * @property {string} [room] its name, in the spelling of the page: it may be new; none in what an earlier version has kept
 * @property {string | null} failed why the server will not have it
 */

const PREFIX = "lobby.unsent.";

export const ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const CLIENT_ID = new RegExp(`^${ID}$`);
const ROOM_AND_ID = new RegExp(`^(.+)\\.${ID}$`, "s");

const isName = (value) => isText(value) && value.isWellFormed();
const SHAPE = {
  message: isText,
  at: isTime,
  failed: orNothing(isText),
  order: orNothing(isCount),
  room: orNothing(isName),
};

/** @returns {string[]} the keys of the rooms in which a person has written what is not yet acknowledged */
export function roomsOf(you) {
  const rooms = keysAfter(`${PREFIX}${you}.`, ROOM_AND_ID).map((rest) => ROOM_AND_ID.exec(rest)[1]);
  return [...new Set(rooms.filter((room) => room.isWellFormed()))];
}

/** @param {string} owner @returns {string[]} the client_ids of what is not acknowledged */
export function unsentOf(owner) {
  return keysAfter(`${PREFIX}${owner}.`, CLIENT_ID);
}

/**
 * Remove all that is not acknowledged.
 * @param {string} owner
 * @param {string[]} stored the client_ids of messages that are stored
 * @returns {string[]} the texts of what is not stored, in the order of writing
 */
export function takeUnsent(owner, stored) {
  const outbox = new Outbox(owner, () => {});
  stored.forEach((clientId) => outbox.remove(clientId));
  return outbox.all.map(({ client_id: clientId, message }) => {
    outbox.remove(clientId);
    return message;
  });
}

export class Outbox {
  #prefix;
  /** @type {Map<string, Unsent>} */
  #entries = new Map();

  /**
   * @param {string} owner whose outbox this is, and for which room
   * @param {(clientId: string) => void} onDiscard told of what was discarded in another tab
   */
  constructor(owner, onDiscard) {
    this.#prefix = `${PREFIX}${owner}.`;
    this.adopt();
    addEventListener("storage", ({ key, newValue }) => {
      const entry = newValue === null && this.#entries.get(key?.slice(this.#prefix.length));
      if (!entry?.failed || !key.startsWith(this.#prefix)) return;
      this.#entries.delete(entry.client_id);
      onDiscard(entry.client_id);
    });
  }

  /**
   * Take over what this browser's other tabs have kept: they may have been closed.
   * What two tabs send is stored once, by its client_id.
   * @returns {Unsent[]} what is new here
   */
  adopt() {
    const found = this.#kept().filter((entry) => !this.#entries.has(entry.client_id));
    const all = [...this.all, ...found].sort(byOrder);
    this.#entries = new Map(all.map((entry) => [entry.client_id, entry]));
    return found;
  }

  /** @returns {Unsent[]} in the order of writing */
  get all() {
    return [...this.#entries.values()];
  }

  /** @returns {Unsent[]} what may be sent, in the order of writing */
  get waiting() {
    return this.all.filter((entry) => !entry.failed);
  }

  /** @param {string} message @param {string} room its name @returns {Unsent} */
  add(message, room) {
    const last = Math.max(0, ...[...this.all, ...this.#kept()].map(orderOf));
    const order = Math.min(last + 1, Number.MAX_SAFE_INTEGER); // no clock: it may be set back
    const entry = { client_id: newId(), message, at: new Date().toISOString(), order, room, failed: null };
    this.#keep(entry);
    return entry;
  }

  /** @returns {Unsent | undefined} */
  fail(clientId, why) {
    const entry = this.#entries.get(clientId);
    if (entry) this.#keep({ ...entry, failed: why });
    return this.#entries.get(clientId);
  }

  /** It is stored, or will not be sent. Another tab may have written it. */
  remove(clientId) {
    this.#entries.delete(clientId);
    unsave(this.#prefix + clientId);
  }

  #keep(entry) {
    this.#entries.set(entry.client_id, entry);
    save(this.#prefix + entry.client_id, JSON.stringify(entry));
  }

  /** @returns {Unsent[]} */
  #kept() {
    const entries = keysAfter(this.#prefix, CLIENT_ID).map((id) => {
      const entry = readJson(this.#prefix + id, SHAPE);
      return entry && { ...entry, message: wellFormed(entry.message), client_id: id };
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

/** A random UUID (RFC 9562, version 4), over plain HTTP too, where `crypto.randomUUID` is missing. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
