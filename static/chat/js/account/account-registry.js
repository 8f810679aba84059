/**
 * Registry of the accounts that have been used in this browser, and of the guests who have signed in to them. Each page of
 * an account adds to it.
 */

import { withStorage } from "../../../base/js/storage.js";

const HEIR_PREFIX = "lobby.heir.";

const meta = document.querySelector("meta[name=account]");
if (meta) rememberAccount(meta.content);
if (meta?.dataset.formerGuest) rememberHeir(meta.dataset.formerGuest, meta.content);

/** @param {number | string} person */
export function rememberAccount(person) {
  withStorage((storage) => storage.setItem(keyOf(person), ""));
}

/** Remove a deleted account. @param {number} person */
export function forgetAccount(person) {
  withStorage((storage) => storage.removeItem(keyOf(person)));
}

/** @param {number} person */
export function hasAccount(person) {
  return withStorage((storage) => storage.getItem(keyOf(person))) !== null;
}

/**
 * Remember that a guest has signed in to an account, which inherits the guest's unsent texts in all rooms.
 * @param {number | string} guest
 * @param {number | string} account
 */
export function rememberHeir(guest, account) {
  withStorage((storage) => storage.setItem(HEIR_PREFIX + guest, String(account)));
}

/** @param {number} guest @returns {number | null} the account that the guest has signed in to */
export function heirOf(guest) {
  return Number(withStorage((storage) => storage.getItem(HEIR_PREFIX + guest))) || null;
}

function keyOf(person) {
  return `lobby.account.${person}`;
}
