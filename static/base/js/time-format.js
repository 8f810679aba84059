/** Formats of times and days: in the page's language, with the conventions of the browser's region (en-GB: 8 March). */

import { language } from "./i18n.js";

const locale = navigator.languages.find((tag) => scriptOf(tag) === scriptOf(language)) ?? language;

export const timeFormat = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
export const exactFormat = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });

export const formatDay = dayFormatter({ weekday: "long", day: "numeric", month: "long" });
export const formatShortDay = dayFormatter({ day: "numeric", month: "short" });

/** Format a time without "AM" or "PM", for narrow places. @param {Date} at @returns {string} */
export function formatHour(at) {
  const parts = timeFormat.formatToParts(at).filter(({ type }) => type !== "dayPeriod");
  return parts.map(({ value }) => value).join("").trim();
}

/** @returns {(at: Date) => string} formats a day, with its year unless that is the current one */
function dayFormatter(style) {
  const thisYear = new Intl.DateTimeFormat(locale, style);
  const otherYear = new Intl.DateTimeFormat(locale, { ...style, year: "numeric" });
  return (at) => (at.getFullYear() === new Date().getFullYear() ? thisYear : otherYear).format(at);
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
