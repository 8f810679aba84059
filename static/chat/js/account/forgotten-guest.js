/**
 * Guests whose session ends with the browser, as they chose ("Not on this device"). Others use the browser too: nobody
 * gets the texts that such a guest leaves, except the account that the guest has signed in to.
 */

import { withStorage } from "../../../base/js/storage.js";

const PREFIX = "lobby.leaves.";

/** @param {number} person @param {boolean} endsWithBrowser whether the person's session does */
export function rememberLeaving(person, endsWithBrowser) {
  const key = PREFIX + person;
  withStorage((storage) => (endsWithBrowser ? storage.setItem(key, "") : storage.removeItem(key)));
}

/** @param {number} person @returns {boolean} whether the person's session ends, or has ended, with the browser */
export function isLeaving(person) {
  return withStorage((storage) => storage.getItem(PREFIX + person)) !== null;
}
