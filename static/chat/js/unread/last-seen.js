/** Read position of this tab across a reload: the server may not have stored it yet. */

import { isCount, isText, readJson, withStorage } from "../../../base/js/storage.js";

const SHAPE = { epoch: isText, seq: isCount };

/** @typedef {{epoch: string, seq: number}} LastSeen a place in a log */

/**
 * Store the read position when the page or the room is left.
 * @param {string} owner the person and room
 * @param {() => LastSeen} now
 * @param {AbortSignal} signal aborted when the room is left
 */
export function keepLastSeen(owner, now, signal) {
  const store = (storage) => storage.setItem(keyOf(owner), JSON.stringify(now()));
  const keep = () => withStorage(store, "sessionStorage");
  addEventListener("pagehide", keep, { signal });
  signal.addEventListener("abort", keep);
}

/** @returns {number} the last seq of a log that was read in this tab; 0 for none */
export function lastSeen(owner, epoch) {
  const stored = readJson(keyOf(owner), SHAPE, "sessionStorage");
  return stored?.epoch === epoch ? stored.seq : 0;
}

function keyOf(owner) {
  return `lobby.seen.${owner}`;
}
