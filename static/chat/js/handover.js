/**
 * What a guest had written in a tab when the guest's session ended. The tab's next visitor finds it in the composer, and
 * sends it or not: nobody can be that guest again. What an account's owner has written waits for the owner alone.
 */

import { isCount, isText, readJson, withStorage } from "./storage.js";

const SHAPE = { from: isCount, text: isText };

/**
 * @param {string} room its key
 * @param {number} from the id of the guest
 * @param {string} text
 */
export function handOver(room, from, text) {
  withStorage((storage) => storage.setItem(keyOf(room), JSON.stringify({ from, text })), "sessionStorage");
}

/**
 * @param {string} room its key
 * @param {number} to the id of who reads now
 * @returns {string} what another guest has left here; once
 */
export function takeOver(room, to) {
  const left = readJson(keyOf(room), SHAPE, "sessionStorage");
  withStorage((storage) => storage.removeItem(keyOf(room)), "sessionStorage");
  return left && left.from !== to ? left.text : "";
}

function keyOf(room) {
  return `lobby.left.${room}`;
}
