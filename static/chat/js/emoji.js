/** Emoji: what they are called, which of them is meant, and whether a text is nothing else. */

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** So many emoji alone are shown larger, and no text that is longer than they can be is looked at (code units). */
const MOST_ALONE = 3;
const LONGEST_ALONE = 128;

const EMOJI = /^\p{Emoji}.*$/u;
const DRAWN = /\p{Emoji_Presentation}|\ufe0f/u; // and not written, as digits are

/** What may stand between two colons, as a pattern: so much of it is looked for. */
export const CODE = String.raw`[\p{L}\p{N}_+-]{2,48}`;

/** How many are offered. */
const MOST_FOUND = 8;

const LATIN = /^[\0-\u024f]*$/;

/** @returns {boolean} whether a text is one to three emoji */
export function isEmoji(text) {
  if (text.length > LONGEST_ALONE) return false;
  const alone = [...graphemes.segment(text.replaceAll(/\s/g, ""))].map(({ segment }) => segment);
  return alone.length > 0 && alone.length <= MOST_ALONE && alone.every((each) => EMOJI.test(each) && DRAWN.test(each));
}

/**
 * @typedef {object} Emoji
 * @property {string} emoji
 * @property {string} name in the language of the page
 * @property {string[]} codes in lower case
 */

/** All there are. They are fetched when they are first asked for. */
export class Catalogue {
  #address;
  /** @type {Promise<{common: Emoji[], all: Emoji[]}> | null} */
  #loading = null;

  /** @param {string} address where the server tells of them */
  constructor(address) {
    this.#address = address;
  }

  /**
   * Raises an Error when they cannot be had now.
   * @returns {Promise<Emoji[]>} those that are used most
   */
  async common() {
    return (await this.#load()).common;
  }

  /**
   * @param {string} code without colons
   * @returns {Promise<string | undefined>} the emoji of that name
   */
  async named(code) {
    const { all } = await this.#load();
    return all.find(({ codes }) => codes.includes(code.toLowerCase()))?.emoji;
  }

  /**
   * @param {string} typed the beginning of a word of their names; of a Chinese name any part
   * @returns {Promise<Emoji[]>} the best first, and no more than fit in a list
   */
  async find(typed) {
    const { all } = await this.#load();
    const ranked = all.map((each) => ({ each, rank: rankOf(each, typed.toLowerCase()) }));
    const found = ranked.filter(({ rank }) => rank < Infinity).sort((one, other) => one.rank - other.rank);
    return found.slice(0, MOST_FOUND).map(({ each }) => each);
  }

  #load() {
    this.#loading ??= this.#fetch().catch((error) => {
      this.#loading = null; // the next who asks tries again
      throw error;
    });
    return this.#loading;
  }

  async #fetch() {
    const response = await fetch(this.#address);
    if (!response.ok) throw new Error(response.statusText);
    const { common, names } = await response.json();
    const all = new Map(Object.entries(names).map(([emoji, [name, ...codes]]) => [emoji, entry(emoji, name, codes)]));
    const first = common.map((emoji) => all.get(emoji));
    return { common: first, all: [...new Set([...first, ...all.values()])] };
  }
}

function entry(emoji, name, codes) {
  return { emoji, name, codes: codes.map((code) => code.toLowerCase()) };
}

/** How well what is typed fits: the whole name, its beginning, a word's beginning, or not at all. */
function rankOf({ codes }, typed) {
  if (codes.includes(typed)) return 0;
  if (codes.some((code) => code.startsWith(typed))) return 1;
  if (codes.some((code) => (LATIN.test(typed) ? code.includes(`_${typed}`) : code.includes(typed)))) return 2;
  return Infinity;
}
