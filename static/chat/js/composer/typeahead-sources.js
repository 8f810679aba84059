/** Sources of suggestions for the typeahead: people after `@`, emoji after `:`. */

import { renderAvatar } from "../presence/avatar.js";
import { CODE } from "../text/emoji.js";
import { AT, LETTER } from "../text/mentions.js";

const MAX_PEOPLE = 8;

const PERSON = new RegExp(`${AT}((?:[^\\s@](?:[^\\n@]{0,30}[^\\s@])?)?)$`, "u");
/** An exact shortcode that may also be plain text: `:no`, `:100`. */
const AMBIGUOUS = /^(?:[a-z]{2}|\d+)$/i;

const EMOJI = new RegExp(`(?<!:|${LETTER}):(${CODE})$`, "u");

/**
 * Names that are typed in full come first, then names with that beginning, then those with a later word with it.
 * @param {() => {id: number, name: string}[]} candidates the likeliest first; of two with one id, the last name counts
 * @param {(person: {id: number, name: string}) => void} onChosen called when a person is chosen
 * @returns {import("./typeahead.js").Source}
 */
export function peopleSource(candidates, onChosen) {
  const all = () => [...new Map(candidates().map((each) => [each.id, each])).values()];
  const option = (each) => ({ ...personOption(each), onAccept: () => onChosen(each) });
  return { typed: PERSON, find: (typed) => findPeople(all(), typed).slice(0, MAX_PEOPLE).map(option) };
}

/**
 * @param {import("../text/emoji.js").Catalogue} catalogue
 * @returns {import("./typeahead.js").Source}
 */
export function emojiSource(catalogue) {
  const find = async (typed) => (await catalogue.find(typed)).map((each) => emojiOption(each, typed));
  return { typed: EMOJI, find: (typed) => find(typed).catch(() => []) }; // typing goes on without suggestions
}

/** @returns {{id: number, name: string}[]} the people whose names, from one of their words on, begin with the typed text */
export function findPeople(people, typed) {
  const ranked = people.map((each) => ({ each, rank: rankOf(each.name.toLowerCase(), typed.toLowerCase()) }));
  const found = ranked.filter(({ rank }) => rank < Infinity).sort((one, other) => one.rank - other.rank);
  return found.map(({ each }) => each);
}

/** Rank a match: the whole name, its beginning, a later word's beginning, or none. */
function rankOf(name, typed) {
  if (name === typed) return 0;
  if (name.startsWith(typed)) return 1;
  return name.includes(` ${typed}`) ? 2 : Infinity;
}

function personOption(each) {
  const icon = document.createElement("span");
  icon.className = "avatar avatar--small";
  icon.ariaHidden = "true";
  renderAvatar(icon, each);
  return { icon, label: each.name, text: `@${each.name} `, isExact: true };
}

function emojiOption({ emoji, codes, name }, typed) {
  const icon = document.createElement("span");
  icon.className = "typeahead__emoji";
  icon.ariaHidden = "true";
  icon.textContent = emoji;
  return { icon, label: name, text: emoji, isExact: codes.includes(typed.toLowerCase()) && !AMBIGUOUS.test(typed) };
}
