/** A room's page opens: its messages are drawn before the scripts are there that the rest of it needs. */

import "./chat-log.js";
import { lastSeen } from "./seen.js";
import { Timeline } from "./timeline.js";

/** How long a page of the history may take (milliseconds). */
const PATIENCE = 30_000;

const element = (id) => document.getElementById(id);
const read = (id) => JSON.parse(element(id).textContent);

export const roomName = read("room-name");
export const roomAddress = `/chat/${encodeURIComponent(roomName)}/`;

/** What came with the page: see `_open` in chat/views.py. */
export const data = read("room-data");

/** Up to where the room's log is shown, and its newest change that is known here, if any: see `last` in docs/wire.md. */
export const cursor = { epoch: data.epoch, seq: data.seq, last: "", last_seq: 0 };
data.messages.forEach(noteLast);

/** Under what this browser keeps what is one person's in one room. */
export const owner = `${data.you.id}.${data.key}`;

export const log = /** @type {import("./chat-log.js").ChatLog} */ (element("chat-log"));
log.reader = data.you.id;

element("chat-message-input").focus(); // autofocus comes too late for who types at once
const edges = { start: element("timeline-start"), more: element("timeline-more"), end: element("timeline-end") };
export const timeline = new Timeline(element("timeline"), log, edges, element("latest"), fetchPage);
timeline.open(data.messages, { isStart: data.is_start, isEnd: data.is_end }, whereReadingEnded(), data.place);

/** @param {import("./message.js").Message} message as it now is */
export function noteLast({ seq, number, client_id: clientId }) {
  if (seq > cursor.last_seq) Object.assign(cursor, { last: `${number}.${clientId}`, last_seq: seq });
}

function whereReadingEnded() {
  const { last_read: lastRead, read_at: readAt, unread } = data;
  const seen = lastSeen(owner, cursor.epoch);
  return { lastRead: lastRead === null ? null : Math.max(lastRead, seen), readAt: readAt && new Date(readAt), unread };
}

/** The last page of the history, or that before or after a number. */
export async function fetchPage(query) {
  const { messages, more } = await fetchJson("messages", { limit: data.page, ...query });
  messages.forEach(noteLast);
  if (!query.before && !query.after) history.replaceState(null, "", roomAddress); // no message is the place any more
  return { messages, isLast: !more };
}

/** @param {string[]} clientIds @returns {Promise<string[]>} those that messages of the room have */
export async function fetchStored(clientIds) {
  const found = [];
  for (let start = 0; start < clientIds.length; start += data.page) {
    const asked = clientIds.slice(start, start + data.page).map((each) => ["client_id", each]);
    found.push(...(await fetchJson("stored", asked)).stored);
  }
  return found;
}

async function fetchJson(page, query) {
  const address = `${roomAddress}${page}/?${new URLSearchParams(query)}`;
  const response = await fetch(address, { signal: AbortSignal.timeout(PATIENCE) });
  if (!response.ok) throw new Error(response.statusText);
  return response.json();
}
