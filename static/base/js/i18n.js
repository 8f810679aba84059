/**
 * What people are told, in the language of the page. The source speaks English; of any other language the page loads
 * a module of translations before all others (see docs/translating.md).
 */

/** As the page has it, for `Intl`. */
export const language = document.documentElement.lang;

const number = new Intl.NumberFormat(language);

/** @type {Record<string, string | string[]>} translations, or one for each plural */
let known = {};
let pluralOf = (count) => Number(count !== 1);

/**
 * @param {Record<string, string | string[]>} messages
 * @param {(count: number) => number} plural which of the plurals a count takes
 */
export function learn(messages, plural) {
  known = messages;
  pluralOf = plural;
}

/**
 * @param {string} message as it is in the catalogue, in English
 * @param {Record<string, string>} [values] what stands for its `{names}`
 */
export function gettext(message, values = {}) {
  return fill(known[message] ?? message, values);
}

/**
 * `gettext` of what differs with a count, which stands for `{count}`.
 * @param {string} singular
 * @param {string} plural
 * @param {number} count
 * @param {Record<string, string>} [values]
 */
export function ngettext(singular, plural, count, values = {}) {
  const forms = known[singular] ?? [singular, plural];
  return fill(forms[pluralOf(count)], { count: numeral(count), ...values });
}

/** @param {number} count @returns {string} as the language writes it */
export function numeral(count) {
  return number.format(count);
}

function fill(text, values) {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
