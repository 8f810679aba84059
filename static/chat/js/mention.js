/** Where somebody's name may stand in a text, after an `@`: as chat/mentions.py has it. */

/** A letter or digit of a script that puts spaces between words, unless it is drawn as punctuation. */
export const LETTER = String.raw`(?=[\0-\u0dff\u1e00-\u1fff])(?![\u01c3\u02b9-\u02df\u02e5-\u02ff])[\p{L}\p{N}]`;

const MARKED = String.raw`${LETTER}\p{M}{0,4}`;

/** An `@` that may begin a mention: not within a word or an e-mail address. */
export const AT = `(?<!${MARKED}[_+-]?)@`;

const at = new RegExp(AT, "uy");

/** Where no name ends: within a word, or a handle of another site. */
const inside = new RegExp(String.raw`(?<=${MARKED})[.@+-]?_*${LETTER}|\p{M}`, "uy");

/** @returns {boolean} whether an `@` at that place of a text may begin a mention */
export function mayBegin(text, place) {
  return matches(at, text, place);
}

/**
 * @param {string} text
 * @param {number} at where the name would begin
 * @param {string[]} names
 * @returns {number} where the longest of these names ends that stands there, or `at`
 */
export function endOfName(text, at, names) {
  const ends = names.filter((name) => startsWith(text, at, name)).map((name) => at + name.length);
  return Math.max(at, ...ends.filter((end) => !matches(inside, text, end)));
}

function startsWith(text, at, name) {
  return text.slice(at, at + name.length).toLowerCase() === name.toLowerCase();
}

function matches(pattern, text, place) {
  pattern.lastIndex = place;
  return pattern.test(text);
}
