/** Formats of times and days: in the page's language, with the conventions of the browser's region (en-GB: 8 March). */

import { gettext, language } from "./i18n.js";

const locale = navigator.languages.find((tag) => scriptOf(tag) === scriptOf(language)) ?? language;

/** 12 or 24 hours, as in the reader's region, whatever the page's language. */
const region = navigator.languages.find(scriptOf) ?? language;
const { hourCycle } = new Intl.DateTimeFormat(region, { timeStyle: "short" }).resolvedOptions();

export const timeFormat = new Intl.DateTimeFormat(locale, { timeStyle: "short", hourCycle });
export const secondFormat = new Intl.DateTimeFormat(locale, { timeStyle: "medium", hourCycle });
export const exactFormat = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium", hourCycle });

export const formatDay = dayFormatter({ weekday: "long", day: "numeric", month: "long" });
export const formatShortDay = dayFormatter({ day: "numeric", month: "short" });

/** Format a day as the line above its messages: "Today", "Yesterday" or its date. @param {Date} at @returns {string} */
export function formatRecentDay(at) {
  const now = new Date();
  const isDay = (offset) => at.toDateString() === new Date(now.getFullYear(), now.getMonth(), now.getDate() - offset).toDateString();
  if (isDay(0)) return gettext("Today");
  return isDay(1) ? gettext("Yesterday") : formatDay(at);
}

/** Format a time, with its day unless that is today. @param {Date} at @returns {string} */
export function formatRecentTime(at) {
  const isToday = at.toDateString() === new Date().toDateString();
  const time = timeFormat.format(at);
  return isToday ? time : gettext("{day}, {time}", { day: formatDay(at), time });
}

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
