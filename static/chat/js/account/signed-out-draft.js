/**
 * Drafts of people who can no longer send them: guests who have signed in, guests whose session has ended, as without its
 * cookie or after a year, and owners of deleted accounts. A browser has one session, so every other guest whose drafts it
 * stores is one of these. The drafts move once into the composer of the account that the guest has signed in to, or else of
 * the browser's next person, unsent; those of a guest who is not to be remembered are deleted (see forgotten-guest.js).
 * Drafts of an account's owner wait for the owner: the browser remembers which people have accounts.
 */

import { hasAccount, heirOf } from "./account-registry.js";
import { isLeaving } from "./forgotten-guest.js";
import { takeDraft } from "../composer/draft.js";
import { takeEarlyTexts } from "../composer/early-text.js";
import { editedMessages, takeEdits } from "../editing/edit-draft.js";
import { takeUnsent, unsentOf } from "../outbox/outbox.js";
import { keysAfter } from "../../../base/js/storage.js";

/** The end of a draft's key: its kind, its person, and what begins with its room. */
const PERSON_AND_ROOM = /^(?:unsent|edit|early|draft)\.([1-9]\d{0,14})\.(.+)$/s;

/**
 * Claim the drafts that other people have left in a room, for the person of the browser's session. Only the server knows
 * which of their messages are stored: without its answer the drafts stay where they are, and the promise is rejected.
 * @param {import("../open-room.js").OpenRoom} open
 * @param {() => boolean} mayShow whether the texts can be shown now
 * @returns {Promise<string | null>} the texts that are not stored; null if there may be some that cannot be shown now
 */
export async function claimDrafts(open, mayShow) {
  const { key: room, you } = open.data;
  const to = you.id;
  const owners = authorsIn(room).filter((person) => isClaimable(person, to)).map((person) => `${person}.${room}`);
  if (!owners.length) return "";
  if (!mayShow()) return null;
  const sent = await open.fetchStored(owners.flatMap(unsentOf));
  const numbers = owners.flatMap(editedMessages);
  const pages = await Promise.all(numbers.map((number) => open.fetchPage({ before: number + 1, limit: 1 })));
  const edited = pages.flatMap(({ messages }) => messages);
  if (!mayShow()) return null;
  const texts = owners.flatMap((owner) => {
    const taken = [
      ...takeUnsent(owner, sent),
      ...takeEdits(owner, edited),
      takeDraft(owner),
      ...takeEarlyTexts(owner),
    ];
    return isForgotten(Number.parseInt(owner, 10)) ? [] : taken;
  });
  return texts.filter(Boolean).join("\n");
}

/** @returns {number[]} the people who have drafts in a room, in the order in which they were created */
function authorsIn(room) {
  const found = keysAfter("lobby.", PERSON_AND_ROOM).map((key) => PERSON_AND_ROOM.exec(key));
  const people = found.filter(([, , rest]) => `${rest}.`.startsWith(`${room}.`)).map(([, person]) => Number(person));
  return [...new Set(people)].sort((one, other) => one - other);
}

/** Whether `to` may take a person's drafts: no other account can still send them. */
function isClaimable(person, to) {
  return person !== to && ![person, heirOf(person)].some((each) => each && each !== to && hasAccount(each));
}

/** Whether nobody gets a person's drafts. @param {number} person who has no account */
function isForgotten(person) {
  return isLeaving(person) && !heirOf(person);
}
