/**
 * Translations of texts on screen. Texts in the source are English; for another language the page loads a module of
 * translations before all other modules (see docs/translating.md).
 */

/** The language of the page, for `Intl`. */
export const language = document.documentElement.lang;

const number = new Intl.NumberFormat(language);

/** @type {Record<string, string | string[]>} by English text: the translation, or one for each plural form */
let translations = {};
let pluralForm = (count) => Number(count !== 1);

/**
 * @param {Record<string, string | string[]>} messages by English text
 * @param {(count: number) => number} plural returns the index of the plural form for a count
 */
export function setTranslations(messages, plural) {
  translations = messages;
  pluralForm = plural;
}

/**
 * Translate a text.
 * @param {string} message in English, as in the catalogue
 * @param {Record<string, string>} [values] for its `{placeholders}`
 */
export function gettext(message, values = {}) {
  return fill(translations[message] ?? message, values);
}

/**
 * Translate a text that depends on a count, and insert the count for `{count}`.
 * @param {string} singular
 * @param {string} plural
 * @param {number} count
 * @param {Record<string, string>} [values]
 */
export function ngettext(singular, plural, count, values = {}) {
  const forms = translations[singular] ?? [singular, plural];
  return fill(forms[pluralForm(count)], { count: formatNumber(count), ...values });
}

/** @param {number} count @returns {string} with the digits and separators of the language */
export function formatNumber(count) {
  return number.format(count);
}

function fill(text, values) {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
