/**
 * Drafts of a person who can no longer send them: a guest who has signed in or whose session has ended, or the owner of a
 * deleted account. They move once into the composer of the account that the guest has signed in to, or else of the tab's
 * next person. Drafts of an account's owner wait for the owner. The browser remembers which people have accounts, since a
 * tab may have been suspended when its guest signed up in another tab.
 */

import { formerGuests, hasAccount, heirOf, rememberHeir } from "./account-registry.js";
import { takeDraft } from "../composer/draft.js";
import { editedMessages, takeEdits } from "../editing/edit-draft.js";
import { fetchPage, fetchStored } from "../bootstrap.js";
import { takeUnsent, unsentOf } from "../outbox/outbox.js";
import { isCount, readJson, withStorage } from "../../../base/js/storage.js";

const SHAPE = { from: isCount };

/**
 * Mark this tab's person as signed out: for good, unless the person has an account.
 * @param {string} room its key
 * @param {number} from the person's id
 */
export function markSignedOut(room, from) {
  withStorage((storage) => storage.setItem(keyOf(room), JSON.stringify({ from })), "sessionStorage");
}

/**
 * Remove the mark: the person has signed in again.
 * @param {string} room its key
 * @param {number} person
 */
export function unmarkSignedOut(room, person) {
  if (signedOutPerson(room) === person) withStorage((storage) => storage.removeItem(keyOf(room)), "sessionStorage");
}

/**
 * Take over the drafts that other people have left in a room. Only the server knows which of their messages are stored:
 * without its answer the drafts stay where they are, and the promise is rejected.
 * @param {string} room its key
 * @param {number} to the id of the person who takes them over
 * @param {number | null} guest the id of the guest who has signed in as this person
 * @returns {Promise<string>} the texts that are not stored
 */
export async function claimDrafts(room, to, guest) {
  const signedOut = signedOutPerson(room);
  if (guest) rememberHeir(guest, to);
  const isClaimable = (person) => person && person !== to && !hasAccount(person) && (heirOf(person) ?? to) === to;
  const others = new Set([guest, signedOut, ...formerGuests(to)].filter(isClaimable));
  const owners = [...others].map((person) => `${person}.${room}`);
  const sent = await fetchStored(owners.flatMap(unsentOf));
  const numbers = owners.flatMap(editedMessages);
  const pages = await Promise.all(numbers.map((number) => fetchPage({ before: number + 1, limit: 1 })));
  const edited = pages.flatMap(({ messages }) => messages);
  unmarkSignedOut(room, signedOut);
  const texts = owners.flatMap((owner) => [...takeUnsent(owner, sent), ...takeEdits(owner, edited), takeDraft(owner)]);
  return texts.filter(Boolean).join("\n");
}

/** @returns {number | undefined} the person who was marked in this tab */
function signedOutPerson(room) {
  return readJson(keyOf(room), SHAPE, "sessionStorage")?.from;
}

function keyOf(room) {
  return `lobby.left.${room}`;
}
