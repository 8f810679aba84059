/**
 * What somebody has written in a room and cannot send any more: a guest who has signed in or whose session has ended, or
 * the owner of a deleted account. The account that the guest has signed in to, or else the tab's next person, finds it in
 * the composer, once, and sends it or not. What an account's owner has written waits for the owner alone: this browser
 * notes which people have accounts, since a tab may have been suspended when its guest signed up in another.
 */

import { formerGuests, hasAccount, heirOf, noteHeir } from "./account.js";
import { takeDraft } from "./draft.js";
import { editedBy, takeEdits } from "./kept-edit.js";
import { fetchPage, fetchStored } from "./opening.js";
import { takeUnsent, unsentOf } from "./outbox.js";
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

/**
 * The person has come back.
 * @param {string} room its key
 * @param {number} person
 */
export function unmarkGone(room, person) {
  if (goneFrom(room) === person) withStorage((storage) => storage.removeItem(keyOf(room)), "sessionStorage");
}

/**
 * Remove what others have left in a room for the person who opens it. The server alone knows what of it is stored:
 * without its answer all stays where it is, and the promise is rejected.
 * @param {string} room its key
 * @param {number} to the person's id
 * @param {number | null} guest the id of the guest who has signed in as this person
 * @returns {Promise<string>} the texts of what is not stored
 */
export async function takeOver(room, to, guest) {
  const gone = goneFrom(room);
  if (guest) noteHeir(guest, to);
  const isLeft = (person) => person && person !== to && !hasAccount(person) && (heirOf(person) ?? to) === to;
  const others = new Set([guest, gone, ...formerGuests(to)].filter(isLeft));
  const owners = [...others].map((person) => `${person}.${room}`);
  const sent = await fetchStored(owners.flatMap(unsentOf));
  const pages = await Promise.all(owners.flatMap(editedBy).map((number) => fetchPage({ before: number + 1, limit: 1 })));
  const edited = pages.flatMap(({ messages }) => messages);
  unmarkGone(room, gone);
  const left = owners.flatMap((owner) => [...takeUnsent(owner, sent), ...takeEdits(owner, edited), takeDraft(owner)]);
  return left.filter(Boolean).join("\n");
}

/** @returns {number | undefined} who was marked in this tab */
function goneFrom(room) {
  return readJson(keyOf(room), SHAPE, "sessionStorage")?.from;
}

function keyOf(room) {
  return `lobby.left.${room}`;
}
