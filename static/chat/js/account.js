/** Which people have accounts, as far as this browser knows: each page of an account notes it. */

import { withStorage } from "./storage.js";

const meta = document.querySelector("meta[name=account]");
if (meta) noteAccount(meta.content);

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

function keyOf(person) {
  return `lobby.account.${person}`;
}
