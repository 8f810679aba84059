/** Emoji: the catalogue of their names, searches in it, and a test for texts that are nothing but emoji. */

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** A text of so many emoji at most is shown larger; longer texts are not examined (code units). */
const MAX_EMOJI = 3;
const MAX_LENGTH = 128;

const EMOJI = /^\p{Emoji}.*$/u;
const PICTURE = /\p{Emoji_Presentation}|\ufe0f/u; // and not a character such as a digit

/** Pattern of a shortcode, without its colons. */
export const CODE = String.raw`[\p{L}\p{N}_+-]{2,48}`;

const MAX_RESULTS = 8;

const LATIN = /^[\0-\u024f]*$/;

/** @returns {boolean} whether a text is one to three emoji */
export function isEmoji(text) {
  if (text.length > MAX_LENGTH) return false;
  const signs = [...graphemes.segment(text.replaceAll(/\s/g, ""))].map(({ segment }) => segment);
  return signs.length > 0 && signs.length <= MAX_EMOJI && signs.every((each) => EMOJI.test(each) && PICTURE.test(each));
}

/**
 * @typedef {object} Emoji
 * @property {string} emoji
 * @property {string} name in the language of the page
 * @property {string[]} codes in lower case
 *
 * @typedef {{title: string, emoji: Emoji[]}} Group
 */

/** The catalogue of all emoji, fetched on first use. Its methods throw an error if it cannot be fetched. */
export class Catalogue {
  #address;
  /** @type {Promise<{groups: Group[], all: Emoji[]}> | null} */
  #loading = null;

  /** @param {string} address */
  constructor(address) {
    this.#address = address;
  }

  /** @returns {Promise<Group[]>} the most common emoji */
  async groups() {
    return (await this.#load()).groups;
  }

  /** @param {string} emoji @returns {Promise<Emoji | undefined>} */
  async entry(emoji) {
    return (await this.#load()).all.find((each) => each.emoji === emoji);
  }

  /**
   * @param {string} code a shortcode, without colons
   * @returns {Promise<string | undefined>} its emoji
   */
  async named(code) {
    const { all } = await this.#load();
    return all.find(({ codes }) => codes.includes(code.toLowerCase()))?.emoji;
  }

  /**
   * @param {string} typed the beginning of a word of the name; any part of a Chinese name
   * @param {number} [most]
   * @returns {Promise<Emoji[]>} the best first
   */
  async find(typed, most = MAX_RESULTS) {
    const { all } = await this.#load();
    const ranked = all.map((each) => ({ each, rank: rankOf(each, typed.toLowerCase()) }));
    const found = ranked.filter(({ rank }) => rank < Infinity).sort((one, other) => one.rank - other.rank);
    return found.slice(0, most).map(({ each }) => each);
  }

  #load() {
    this.#loading ??= this.#fetch().catch((error) => {
      this.#loading = null; // the next call retries
      throw error;
    });
    return this.#loading;
  }

  async #fetch() {
    const response = await fetch(this.#address);
    if (!response.ok) throw new Error(response.statusText);
    const { groups, names } = await response.json();
    const all = new Map(Object.entries(names).map(([emoji, [name, ...codes]]) => [emoji, entry(emoji, name, codes)]));
    const common = groups.map(([title, listed]) => ({ title, emoji: listed.map((each) => all.get(each)) }));
    return { groups: common, all: [...new Set([...common.flatMap(({ emoji }) => emoji), ...all.values()])] };
  }
}

function entry(emoji, name, codes) {
  return { emoji, name, codes: codes.map((code) => code.toLowerCase()) };
}

/** Rank a match: the whole name, its beginning, a word's beginning, or none. */
function rankOf({ codes }, typed) {
  if (codes.includes(typed)) return 0;
  if (codes.some((code) => code.startsWith(typed))) return 1;
  if (codes.some((code) => (LATIN.test(typed) ? code.includes(`_${typed}`) : code.includes(typed)))) return 2;
  return Infinity;
}
