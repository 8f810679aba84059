/**
 * What somebody has written in a room and cannot send any more: a guest who has signed in or whose session has ended, or
 * the owner of a deleted account. The account that the guest has signed in to, or else the tab's next person, finds it in
 * the composer, once, and sends it or not. What an account's owner has written waits for the owner alone: this browser
 * notes which people have accounts, since a tab may have been suspended when its guest signed up in another.
 */

import { formerGuests, hasAccount, heirOf, noteHeir } from "./account.js";
import { takeDraft } from "./draft.js";
import { takeEdits } from "./kept-edit.js";
import { takeUnsent } from "./outbox.js";
import { isCount, readJson, withStorage } from "./storage.js";

const SHAPE = { from: isCount };

/**
 * Mark this tab's person as refused: gone for good, unless it is the owner of an account.
 * @param {string} room its key
 * @param {number} from the person's id
 */
export function markGone(room, from) {
  withStorage((storage) => storage.setItem(keyOf(room), JSON.stringify({ from })), "sessionStorage");
}

/** The person has come back. @param {string} room its key */
export function unmarkGone(room) {
  withStorage((storage) => storage.removeItem(keyOf(room)), "sessionStorage");
}

/**
 * Remove what others have left in a room for the person who opens it.
 * @param {string} room its key
 * @param {number} to the person's id
 * @param {number | null} guest the id of the guest who has signed in as this person
 * @param {import("./message.js").Message[]} stored what others see already is not taken
 * @returns {string}
 */
export function takeOver(room, to, guest, stored) {
  const gone = readJson(keyOf(room), SHAPE, "sessionStorage")?.from;
  unmarkGone(room);
  if (guest) noteHeir(guest, to);
  const isLeft = (person) => person && person !== to && !hasAccount(person) && (heirOf(person) ?? to) === to;
  const others = new Set([guest, gone, ...formerGuests(to)].filter(isLeft));
  return [...others].flatMap((person) => takeWritten(`${person}.${room}`, stored)).join("\n");
}

function takeWritten(owner, stored) {
  return [...takeUnsent(owner, stored), ...takeEdits(owner, stored), takeDraft(owner)].filter(Boolean);
}

function keyOf(room) {
  return `lobby.left.${room}`;
}
