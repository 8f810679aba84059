/**
 * The room that a tab has open: its data, the tab's cursor, and its messages on the page. Another room replaces it in
 * place: see room-navigation.js.
 */

import { roomAddress } from "./room-address.js";
import "./timeline/chat-log.js";
import { showDays } from "./timeline/days.js";
import { keepPlace } from "./timeline/kept-place.js";
import { renderBeginning, showCreation } from "./timeline/room-beginning.js";
import { Timeline } from "./timeline/timeline.js";
import { Attention } from "./unread/attention.js";
import { lastSeen } from "./unread/last-seen.js";

/** Time limit for a page of history (milliseconds). */
const FETCH_TIMEOUT = 30_000;

/** How many messages are kept of a room that is left. */
const MAX_KEPT = 100;

/** @typedef {import("./timeline/timeline.js").Place} Place */

const element = (id) => document.getElementById(id);

export class OpenRoom {
  #closing = new AbortController();
  #isAtMessage; // the page's address is that of a message
  #fetchedUpTo; // the highest seq in pages of history since the last welcome
  #beginning;

  /** Its name in the address. @type {string} */
  name = JSON.parse(element("room-name").textContent);

  address = roomAddress(this.name);

  /** Data of the page. */
  data;

  /** Cursor of this tab in the room's log. It names the last change and the newest message, so that the server detects a restore. */
  cursor;

  /** Part of the storage keys for this person in this room. */
  owner;

  log = /** @type {import("./timeline/chat-log.js").ChatLog} */ (element("chat-log"));
  attention = new Attention(this.signal);

  /**
   * @param {any} data of the room's page: see `_open` in chat/views.py
   * @param {Place | null} place the reader's position, if the tab has been here before
   */
  constructor(data, place) {
    this.data = data;
    this.cursor = { epoch: data.epoch, seq: data.seq, ...lastChange(data) };
    this.owner = `${data.you.id}.${data.key}`;
    const { log } = this;
    this.#isAtMessage = Boolean(data.place);
    if (data.missing) history.replaceState(null, "", this.address);
    data.messages.forEach((message) => this.updateLast(message));
    this.#fetchedUpTo = Math.max(0, ...data.messages.map(({ seq }) => seq)); // of a room that was kept, some may be of pages of history
    log.reader = data.you.id;
    log.ignored = new Set(data.ignored);
    log.rename(namedPeople(data.names));
    const edges = { start: element("timeline-start"), more: element("timeline-more"), end: element("timeline-end") };
    const fetchPage = (query) => this.fetchPage(query);
    const scroller = element("timeline");
    this.#beginning = renderBeginning(this.name, this.address, data);
    this.timeline = new Timeline(scroller, log, edges, element("latest"), fetchPage, this.attention, this.#beginning);
    const ends = { isStart: data.is_start, isEnd: data.is_end };
    this.timeline.open(data.messages, ends, this.#readPosition(), place ?? data.place);
    const now = () => ({ epoch: this.cursor.epoch, place: this.timeline.place });
    keepPlace(this.owner, now, this.signal);
    showDays(scroller, log, element("timeline-day"), this.timeline, this.signal);
  }

  /** Aborted when the room is left: listeners outside of the room's elements end with it. */
  get signal() {
    return this.#closing.signal;
  }

  /** The title of a private room's page, which changes with its name; null for an open room. */
  get pageTitle() {
    return this.data.title ? `${this.data.title} · Lobby` : null;
  }

  /** The server has the room now: if the page came before, today is the day of its creation. */
  created() {
    if (this.data.epoch || this.data.created_at) return;
    this.data.created_at = new Date().toISOString();
    showCreation(this.#beginning, this.data.created_at);
  }

  /** The room is left. */
  close() {
    this.#closing.abort();
    this.timeline.close();
  }

  /**
   * @param {number} lastRead the last seq that was read
   * @returns {{data: object, place: object | null} | null} what reopens the room at the reader's position; null if messages
   *   are missing, or if the page's address is that of a message
   */
  keep(lastRead) {
    const { timeline, log, data, cursor } = this;
    const place = timeline.place;
    if (!timeline.isComplete || this.#isAtMessage) return null;
    const all = log.stored;
    const at = place ? all.findIndex(({ number }) => number === place.number) : all.length;
    const from = Math.max(0, Math.min(at - MAX_KEPT / 2, all.length - MAX_KEPT));
    const messages = all.slice(from, from + MAX_KEPT);
    const isLast = from + messages.length === all.length;
    const ends = { is_start: log.oldest === 0 && from === 0, is_end: log.newest === Infinity && isLast };
    const read = { last_read: Math.max(data.last_read ?? 0, lastRead) || data.last_read, read_at: null, unread: 0 };
    const { names } = this;
    return { data: { ...data, ...cursor, messages, names, ...ends, ...read, place: null, is_kept: true }, place };
  }

  /**
   * Update the last known change and the newest known message: of the first page, or received in the log's order.
   * @param {import("./timeline/message-element.js").Message} message in its current state
   */
  updateLast({ seq, number, client_id: clientId, at, edited, deleted }) {
    const { cursor } = this;
    const reference = `${number}.${clientId}`;
    if (seq > cursor.last_seq) {
      Object.assign(cursor, { last: reference, last_seq: seq, last_at: deleted ?? edited ?? at });
    }
    if (number > Number.parseInt(cursor.newest || "0", 10)) cursor.newest = reference;
  }

  /**
   * A connection begins.
   * @returns {boolean} whether pages of history have changes that are not received yet. Nothing proves that they are of
   *   the log that goes on now: a database may have been restored since.
   */
  welcomed() {
    const isAhead = this.#fetchedUpTo > this.cursor.seq;
    this.#fetchedUpTo = 0;
    return isAhead;
  }

  /** The authors' present names, by their ids. */
  get names() {
    return Object.fromEntries(this.log.authors.map(({ id, name }) => [id, name]));
  }

  #readPosition() {
    const { last_read: lastRead, read_at: readAt, unread } = this.data;
    const seen = lastSeen(this.owner, this.cursor.epoch);
    return { lastRead: lastRead === null ? null : Math.max(lastRead, seen), readAt: readAt && new Date(readAt), unread };
  }

  /** Fetch the last page of history, or the page before or after a number. */
  async fetchPage(query) {
    const { messages, names, more } = await this.#fetchJson("messages", { limit: this.data.page, ...query });
    this.log.rename(namedPeople(names));
    this.#fetchedUpTo = Math.max(this.#fetchedUpTo, ...messages.map(({ seq }) => seq));
    const isNewest = !query.before && !query.after;
    if (isNewest && this.#isAtMessage && !this.signal.aborted) {
      history.replaceState(null, "", this.address);
      this.#isAtMessage = false;
    }
    return { messages, isLast: !more };
  }

  /** @param {string[]} clientIds @returns {Promise<string[]>} the client_ids of the messages that are stored in the room */
  async fetchStored(clientIds) {
    const found = [];
    for (let start = 0; start < clientIds.length; start += this.data.page) {
      const query = clientIds.slice(start, start + this.data.page).map((each) => ["client_id", each]);
      found.push(...(await this.#fetchJson("stored", query)).stored);
    }
    return found;
  }

  async #fetchJson(page, query) {
    const address = `${this.address}${page}/?${new URLSearchParams(query)}`;
    const response = await fetch(address, { signal: AbortSignal.timeout(FETCH_TIMEOUT) });
    if (!response.ok) throw new Error(response.statusText);
    return response.json();
  }
}

/** @param {Record<string, string>} [names] by id @returns {{id: number, name: string}[]} */
function namedPeople(names = {}) {
  const people = Object.entries(names).map(([id, name]) => ({ id: Number(id), name }));
  return people.filter(({ name }) => name && typeof name === "string");
}

/**
 * The part of the cursor that describes messages, before any is known: the log's last change proves `seq`.
 * @param {{last?: string, last_seq?: number, last_at?: string}} source a page's data or a welcome
 */
export function lastChange({ last = "", last_seq: lastSeq = 0, last_at: lastAt = "" }) {
  return { last, last_seq: lastSeq, last_at: lastAt, newest: "" };
}
