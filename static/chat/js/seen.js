/** What was read in this tab just before it was loaded again: the server may not have stored it yet. */

import { isCount, isText, readJson, withStorage } from "./storage.js";

const SHAPE = { epoch: isText, seq: isCount };

/** @typedef {{epoch: string, seq: number}} Seen up to which place of which log */

/**
 * @param {string} owner who has read, and in which room
 * @param {() => Seen} now
 */
export function keepSeen(owner, now) {
  const keep = (storage) => storage.setItem(keyOf(owner), JSON.stringify(now()));
  addEventListener("pagehide", () => withStorage(keep, "sessionStorage"));
}

/** @returns {number} up to which seq of that log it was read here; 0 for nothing */
export function lastSeen(owner, epoch) {
  const kept = readJson(keyOf(owner), SHAPE, "sessionStorage");
  return kept?.epoch === epoch ? kept.seq : 0;
}

function keyOf(owner) {
  return `lobby.seen.${owner}`;
}
