/** Where somebody's name may stand in a text, after an `@`: as chat/mentions.py has it. */

/** A letter or digit of a script that puts spaces between words: no name begins or ends between two of them. */
export const LETTER = String.raw`(?=[\0-\u0dff\u1e00-\u1fff])[\p{L}\p{N}]`;

const letter = new RegExp(LETTER, "u");

/** @returns {boolean} whether an `@` at that place of a text may begin a mention */
export function mayBegin(text, at) {
  return !letter.test(text[at - 1] ?? "");
}

/**
 * @param {string} text
 * @param {number} at where the name would begin
 * @param {string[]} names
 * @returns {number} where the longest of these names ends that stands there, or `at`
 */
export function endOfName(text, at, names) {
  const ends = names.filter((name) => startsWith(text, at, name)).map((name) => at + name.length);
  return Math.max(at, ...ends.filter((end) => mayEnd(text, end)));
}

function startsWith(text, at, name) {
  return text.slice(at, at + name.length).toLowerCase() === name.toLowerCase();
}

function mayEnd(text, end) {
  return !(letter.test(text[end - 1]) && letter.test(text[end] ?? ""));
}
