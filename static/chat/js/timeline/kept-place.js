/** The reader's position in a room's history, across a reload and on the way back to the room's page. */

import { isCount, isText, readJson, withStorage } from "../../../base/js/storage.js";

/** Time limit for the messages at the position (milliseconds). */
const FETCH_TIMEOUT = 3000;

const SHAPE = { epoch: isText, number: isCount, bottom: Number.isFinite };

/** @typedef {import("./timeline.js").Place} Place */

/**
 * Store the position when the page or the room is left.
 * @param {string} owner the person and room
 * @param {() => {epoch: string, place: Place | null}} now
 * @param {AbortSignal} signal aborted when the room is left
 */
export function keepPlace(owner, now, signal) {
  const store = (storage) => {
    const { epoch, place } = now();
    if (place) storage.setItem(keyOf(owner), JSON.stringify({ epoch, ...place }));
    else storage.removeItem(keyOf(owner));
  };
  const keep = () => withStorage(store, "sessionStorage");
  addEventListener("pagehide", keep, { signal });
  signal.addEventListener("abort", keep);
}

/**
 * Find the position that was stored, and put the messages there into the data of the room's page.
 * @param {{you: {id: number}, key: string, epoch: string, page: number, messages: any[],
 *   names?: Record<string, string>, is_start: boolean, is_end: boolean, place: number | null}} data changed if it lacks the messages
 * @param {string} address of the room
 * @returns {Promise<Place | null>} null if there is none, if its messages cannot be loaded, or at the address of a message
 */
export async function findPlace(data, address) {
  const stored = readJson(keyOf(`${data.you.id}.${data.key}`), SHAPE, "sessionStorage");
  if (!stored || stored.epoch !== data.epoch || data.place) return null;
  const { number, bottom } = stored;
  const hasIt = () => data.messages.some((message) => message.number === number);
  if (!hasIt()) await loadAround(number, data, address).catch(() => {});
  return hasIt() ? { number, bottom } : null;
}

async function loadAround(number, data, address) {
  const query = new URLSearchParams({ before: number + Math.ceil(data.page / 2), limit: data.page });
  const response = await fetch(`${address}messages/?${query}`, { signal: AbortSignal.timeout(FETCH_TIMEOUT) });
  const { messages, names, more } = await response.json();
  if (messages.some((message) => message.number === number)) {
    Object.assign(data, { messages, names: { ...data.names, ...names }, is_start: !more, is_end: false });
  }
}

function keyOf(owner) {
  return `lobby.place.${owner}`;
}
