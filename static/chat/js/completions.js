/** What may be completed: people after `@`, emoji after `:`. */

import { paintAvatar } from "./avatar.js";
import { CODE } from "./emoji.js";
import { AT, LETTER } from "./mention.js";

/** How many people are offered. */
const MOST_PEOPLE = 8;

const PERSON = new RegExp(`${AT}((?:[^\\s@](?:[^\\n@]{0,30}[^\\s@])?)?)$`, "u");
/** An exact shortcode that may as well be meant as it stands: `:no`, `:100`. */
const SHORT = /^(?:[a-z]{2}|\d+)$/i;

const EMOJI = new RegExp(`(?<!${LETTER}):(${CODE})$`, "u");

/**
 * @param {() => {id: number, name: string}[]} candidates the likeliest first; who is there twice has the last name
 * @returns {import("./completion.js").Source}
 */
export function people(candidates) {
  const all = () => [...new Map(candidates().map((each) => [each.id, each])).values()];
  return { typed: PERSON, find: (typed) => all().filter(beginsWith(typed)).slice(0, MOST_PEOPLE).map(person) };
}

/**
 * @param {import("./emoji.js").Catalogue} catalogue
 * @returns {import("./completion.js").Source}
 */
export function emoji(catalogue) {
  const find = async (typed) => (await catalogue.find(typed)).map((each) => character(each, typed));
  return { typed: EMOJI, find: (typed) => find(typed).catch(() => []) }; // it will do without
}

/** Whether a word of a name, and what follows it, begins with what is typed. */
function beginsWith(typed) {
  return ({ name }) => ` ${name.toLowerCase()}`.includes(` ${typed.toLowerCase()}`);
}

function person(each) {
  const icon = document.createElement("span");
  icon.className = "avatar avatar--small";
  icon.ariaHidden = "true";
  paintAvatar(icon, each);
  return { icon, label: each.name, text: `@${each.name} `, isExact: true };
}

function character({ emoji, codes, name }, typed) {
  const icon = document.createElement("span");
  icon.className = "completion__emoji";
  icon.ariaHidden = "true";
  icon.textContent = emoji;
  return { icon, label: name, text: emoji, isExact: codes.includes(typed.toLowerCase()) && !SHORT.test(typed) };
}
