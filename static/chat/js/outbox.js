/** What was written and is not yet acknowledged. The browser keeps it, so that a reload loses nothing. */

/**
 * @typedef {object} Unsent
 * @property {string} client_id
 * @property {string} message the text
 * @property {string} at ISO 8601
 * @property {string | null} failed why the server will not have it
 */

export class Outbox {
  #prefix;
  /** @type {Map<string, Unsent>} */
  #entries = new Map();

  /** @param {string} owner whose outbox this is, and for which room */
  constructor(owner) {
    this.#prefix = `lobby.unsent.${owner}.`;
    for (const entry of this.#kept()) this.#entries.set(entry.client_id, entry);
  }

  /** @returns {Unsent[]} in the order of writing */
  get all() {
    return [...this.#entries.values()];
  }

  /** @returns {Unsent[]} what may be sent, in the order of writing */
  get waiting() {
    return this.all.filter((entry) => !entry.failed);
  }

  /** @returns {Unsent} */
  add(message) {
    const entry = { client_id: newId(), message, at: new Date().toISOString(), failed: null };
    this.#keep(entry);
    return entry;
  }

  /** @returns {Unsent | undefined} */
  fail(clientId, why) {
    const entry = this.#entries.get(clientId);
    if (entry) this.#keep({ ...entry, failed: why });
    return this.#entries.get(clientId);
  }

  remove(clientId) {
    if (this.#entries.delete(clientId)) withStorage((storage) => storage.removeItem(this.#prefix + clientId));
  }

  #keep(entry) {
    this.#entries.set(entry.client_id, entry);
    withStorage((storage) => storage.setItem(this.#prefix + entry.client_id, JSON.stringify(entry)));
  }

  /** @returns {Unsent[]} */
  #kept() {
    const keys = withStorage((storage) => Object.keys(storage)) ?? [];
    return keys
      .filter((key) => key.startsWith(this.#prefix))
      .map((key) => JSON.parse(localStorage.getItem(key)))
      .sort((one, other) => one.at.localeCompare(other.at));
  }
}

/** Do something with the browser's storage, which may be full or forbidden; then memory must do. */
function withStorage(action) {
  try {
    return action(localStorage);
  } catch {
    return null;
  }
}

/** A random UUID (RFC 9562, version 4), over plain HTTP too, where `crypto.randomUUID` is missing. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
