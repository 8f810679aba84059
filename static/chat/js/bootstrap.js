/** Bootstrap of a room's page: shows the messages before the scripts for the rest of the page have loaded. */

import "./timeline/chat-log.js";
import { Attention } from "./unread/attention.js";
import { lastSeen } from "./unread/last-seen.js";
import { Timeline } from "./timeline/timeline.js";

/** Time limit for a page of history (milliseconds). */
const FETCH_TIMEOUT = 30_000;

const element = (id) => document.getElementById(id);
const read = (id) => JSON.parse(element(id).textContent);

export const roomName = read("room-name");
export const roomAddress = `/chat/${encodeURIComponent(roomName)}/`;

/** Data that came with the page: see `_open` in chat/views.py. */
export const data = read("room-data");

/** Cursor of this tab in the room's log, with the last change and the newest message that it knows: see docs/wire.md. */
export const cursor = { epoch: data.epoch, seq: data.seq, ...unknown() };
data.messages.forEach(updateLast);

/** Part of the storage keys for this person in this room. */
export const owner = `${data.you.id}.${data.key}`;

export const log = /** @type {import("./timeline/chat-log.js").ChatLog} */ (element("chat-log"));
log.reader = data.you.id;

element("chat-message-input").focus(); // autofocus takes effect too late for people who type at once
const edges = { start: element("timeline-start"), more: element("timeline-more"), end: element("timeline-end") };
export const attention = new Attention();
export const timeline = new Timeline(element("timeline"), log, edges, element("latest"), fetchPage, attention);
timeline.open(data.messages, { isStart: data.is_start, isEnd: data.is_end }, readPosition(), data.place);

/** The part of the cursor that describes messages, when none is known. */
export function unknown() {
  return { last: "", last_seq: 0, last_at: "", newest: "" };
}

/**
 * Update the last known change and the newest known message.
 * @param {import("./timeline/message-element.js").Message} message in its current state
 */
export function updateLast({ seq, number, client_id: clientId, at, edited, deleted }) {
  const reference = `${number}.${clientId}`;
  if (seq > cursor.last_seq) Object.assign(cursor, { last: reference, last_seq: seq, last_at: deleted ?? edited ?? at });
  if (number > Number.parseInt(cursor.newest || "0", 10)) cursor.newest = reference;
}

function readPosition() {
  const { last_read: lastRead, read_at: readAt, unread } = data;
  const seen = lastSeen(owner, cursor.epoch);
  return { lastRead: lastRead === null ? null : Math.max(lastRead, seen), readAt: readAt && new Date(readAt), unread };
}

/** Fetch the last page of history, or the page before or after a number. */
export async function fetchPage(query) {
  const { messages, more } = await fetchJson("messages", { limit: data.page, ...query });
  messages.forEach(updateLast);
  if (!query.before && !query.after) history.replaceState(null, "", roomAddress); // no longer the address of a message
  return { messages, isLast: !more };
}

/** @param {string[]} clientIds @returns {Promise<string[]>} those of messages that the server has stored in the room */
export async function fetchStored(clientIds) {
  const found = [];
  for (let start = 0; start < clientIds.length; start += data.page) {
    const query = clientIds.slice(start, start + data.page).map((each) => ["client_id", each]);
    found.push(...(await fetchJson("stored", query)).stored);
  }
  return found;
}

async function fetchJson(page, query) {
  const address = `${roomAddress}${page}/?${new URLSearchParams(query)}`;
  const response = await fetch(address, { signal: AbortSignal.timeout(FETCH_TIMEOUT) });
  if (!response.ok) throw new Error(response.statusText);
  return response.json();
}
