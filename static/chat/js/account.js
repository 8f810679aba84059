/**
 * Which people have accounts, and which guests have signed in to them, as far as this browser knows: each page of an
 * account notes it.
 */

import { keysAfter, withStorage } from "./storage.js";

const HEIR = "lobby.heir.";

const meta = document.querySelector("meta[name=account]");
if (meta) noteAccount(meta.content);
if (meta?.dataset.formerGuest) noteHeir(meta.dataset.formerGuest, meta.content);

/** @param {number | string} person */
export function noteAccount(person) {
  withStorage((storage) => storage.setItem(keyOf(person), ""));
}

/** The account was deleted. @param {number} person */
export function forgetAccount(person) {
  withStorage((storage) => storage.removeItem(keyOf(person)));
}

/** @param {number} person */
export function hasAccount(person) {
  return withStorage((storage) => storage.getItem(keyOf(person))) !== null;
}

/**
 * A guest has signed in to an account, which inherits what the guest has not sent, in all rooms.
 * @param {number | string} guest
 * @param {number | string} account
 */
export function noteHeir(guest, account) {
  withStorage((storage) => storage.setItem(HEIR + guest, String(account)));
}

/** @param {number} guest @returns {number | null} the account that the guest has signed in to */
export function heirOf(guest) {
  return Number(withStorage((storage) => storage.getItem(HEIR + guest))) || null;
}

/** @param {number} account @returns {number[]} the guests who have signed in to it */
export function formerGuests(account) {
  return keysAfter(HEIR, /^[1-9]\d*$/).map(Number).filter((guest) => heirOf(guest) === account);
}

function keyOf(person) {
  return `lobby.account.${person}`;
}
