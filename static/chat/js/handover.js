/**
 * What somebody had written in a tab when they were signed out. Whoever the tab is for when it is loaded again finds it
 * in the composer, and says it or not; if it is the same person, it is there anyway.
 */

import { isCount, isText, readJson, withStorage } from "./storage.js";

const SHAPE = { from: isCount, text: isText };

/**
 * @param {string} room its key
 * @param {number} from the id of who has written it
 * @param {string} text
 */
export function handOver(room, from, text) {
  withStorage((storage) => storage.setItem(keyOf(room), JSON.stringify({ from, text })), "sessionStorage");
}

/**
 * @param {string} room its key
 * @param {number} to the id of who reads now
 * @returns {string} what somebody else has left here; once
 */
export function takeOver(room, to) {
  const left = readJson(keyOf(room), SHAPE, "sessionStorage");
  withStorage((storage) => storage.removeItem(keyOf(room)), "sessionStorage");
  return left && left.from !== to ? left.text : "";
}

function keyOf(room) {
  return `lobby.left.${room}`;
}
