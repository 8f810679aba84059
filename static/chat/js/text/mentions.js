/**
 * Syntax of mentions, a name after `@`: the same as in chat/mentions.py; and people who were chosen for names.
 *
 * @typedef {{id: number, name: string}} Person whom a text mentions, by the name that stands in it
 */

import { isCount, isText } from "../../../base/js/storage.js";

/** Most people that a message mentions, and most characters of their names. */
const MAX_MENTIONS = 20;
const MAX_NAME_LENGTH = 32;

/**
 * @param {string} text
 * @param {unknown} people stored by any version, the last chosen last
 * @returns {Person[]} those whose names the text may mention
 */
export function peopleIn(text, people) {
  const found = Array.isArray(people) ? people.filter(isPerson) : [];
  return found.filter(({ name }) => text.includes(`@${name}`)).slice(-MAX_MENTIONS);
}

/** Whether the server accepts the person: a stored message with another one would never be sent. */
function isPerson(value) {
  return isCount(value?.id) && isText(value.name) && value.name !== "" && [...value.name].length <= MAX_NAME_LENGTH;
}

/** A letter or digit of a script that puts spaces between words, unless it looks like punctuation. */
export const LETTER = String.raw`(?=[\0-\u0dff\u1e00-\u1fff])(?![\u01c3\u02b9-\u02df\u02e5-\u02ff])[\p{L}\p{N}]`;

const MARKED = String.raw`${LETTER}\p{M}{0,4}`;

/** An `@` that can begin a mention: not within a word or an email address. */
export const AT = `(?<!${MARKED}[_+-]?)@`;

const at = new RegExp(AT, "uy");

/** Where a name cannot end: within a word, or within a handle of another site. */
const inside = new RegExp(String.raw`(?<=${MARKED})[.@+-]?_*${LETTER}|\p{M}`, "uy");

/** @returns {boolean} whether an `@` at an offset can begin a mention */
export function canBeginMention(text, offset) {
  return matches(at, text, offset);
}

/**
 * @param {string} text
 * @param {number} at where the name would begin
 * @param {string[]} names
 * @returns {number} the end of the longest of the names that stands there, or `at`
 */
export function endOfName(text, at, names) {
  const ends = names.filter((name) => startsWith(text, at, name)).map((name) => at + name.length);
  return Math.max(at, ...ends.filter((end) => !matches(inside, text, end)));
}

function startsWith(text, at, name) {
  return text.slice(at, at + name.length).toLowerCase() === name.toLowerCase();
}

function matches(pattern, text, offset) {
  pattern.lastIndex = offset;
  return pattern.test(text);
}
