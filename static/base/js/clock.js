/** How times and days are written: in the language of the page, as the browser's region has it (en-GB: 14:05, 8 March). */

import { language } from "./i18n.js";

const locale = navigator.languages.find((tag) => scriptOf(tag) === scriptOf(language)) ?? language;

export const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
export const exact = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });

export const writeDay = writer({ weekday: "long", day: "numeric", month: "long" });
export const writeShortDay = writer({ day: "numeric", month: "short" });

/** Time without "AM" or "PM", for where there is little room. @param {Date} at @returns {string} */
export function writeHour(at) {
  const parts = clock.formatToParts(at).filter(({ type }) => type !== "dayPeriod");
  return parts.map(({ value }) => value).join("").trim();
}

/** @returns {(at: Date) => string} writes a day, with its year where that is not this one */
function writer(style) {
  const ofThisYear = new Intl.DateTimeFormat(locale, style);
  const ofAnother = new Intl.DateTimeFormat(locale, { ...style, year: "numeric" });
  return (at) => (at.getFullYear() === new Date().getFullYear() ? ofThisYear : ofAnother).format(at);
}

/** @returns {string | null} null for an invalid tag: some systems have "en-US@posix" or "c" */
function scriptOf(tag) {
  try {
    const { language, script } = new Intl.Locale(tag).maximize();
    return `${language}-${script}`;
  } catch {
    return null;
  }
}
