/** Elements of the timeline: a message, the line above a day, the line above new messages. */

import { isolate } from "../../../base/js/bidi.js";
import { exactFormat, formatHour, formatRecentDay, formatRecentTime, timeFormat } from "../../../base/js/time-format.js";
import { gettext } from "../../../base/js/i18n.js";
import { fold } from "./folding.js";
import { eventSentence } from "./room-event.js";
import { renderAvatar } from "../presence/avatar.js";
import { isEmoji } from "../text/emoji.js";
import { renderMarkup } from "../text/markup.js";

/** Messages of one author within this time of each other form a group (milliseconds). */
const GROUP_SPAN = 5 * 60 * 1000;

/** A text of more lines or characters is folded if it is taller than its limit (see message.css). */
const MAX_LINES = 10;
const MAX_CHARACTERS = 300;

/**
 * A message in its current state. One that is not stored yet has no number and no seq.
 * @typedef {object} Message
 * @property {number} [number]
 * @property {number} [seq]
 * @property {string} client_id
 * @property {{id: number, name: string, staff?: boolean}} author
 * @property {string} message the text
 * @property {string} at ISO 8601
 * @property {string | null} [edited]
 * @property {string | null} [deleted]
 * @property {string} [removed] why a moderator deleted it, maybe empty; absent if nobody did
 * @property {string} [event] what happened to the room, if that is all that it tells: see room-event.js
 * @property {{id: number, name: string}[]} [mentions] the people mentioned, with their names as in the text
 * @property {string | null} [failed] why it was not sent
 */

/** @typedef {{moderates: boolean, canWrite: boolean}} Rights whether the reader may remove messages of others, and has a composer */

/** @param {Message} message @returns {boolean} whether it is one of a person that was not deleted, and no event of the room */
export function hasText({ deleted, event }) {
  return !deleted && !event;
}

/**
 * @param {Message} message
 * @param {number} reader the id of this page's person
 * @param {Rights} rights
 * @param {string} [name] the author's present name, if it is known
 * @returns {HTMLLIElement}
 */
export function renderMessage(message, reader, rights, name) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById("message"));
  const item = /** @type {HTMLLIElement} */ (template.content.firstElementChild.cloneNode(true));
  const part = (name) => item.querySelector(`.message__${name}`);
  const at = new Date(message.at);
  const { mentions = [] } = message;
  const isForReader = mentions.some(({ id }) => id === reader);
  showAuthor(item, message.author, name);
  item.querySelector(".staff-badge").hidden = !message.author.staff;
  for (const time of item.querySelectorAll("time")) {
    time.dateTime = message.at;
    time.title = exactFormat.format(at);
  }
  part("time").textContent = timeFormat.format(at);
  part("gutter").textContent = formatHour(at);
  part("to-you").hidden = !isForReader;
  part("text").append(renderText(message, mentions));
  part("head").hidden = Boolean(message.event); // the sentence has the name
  item.classList.toggle("message--event", Boolean(message.event));
  item.classList.toggle("message--mention", isForReader);
  item.classList.toggle("message--emoji", hasText(message) && isEmoji(message.message));
  item.classList.toggle("message--deleted", Boolean(message.deleted));
  item.classList.toggle("message--failed", Boolean(message.failed));
  item.classList.toggle("message--pending", !message.number && !message.failed);
  item.querySelector(".message__actions").hidden = !message.number || (!hasText(message) && !message.removed);
  item.querySelector(".message__action--code").hidden = !part("text").querySelector("pre");
  offerActions(item, message, reader, rights);
  if (isLong(message.message) && !message.deleted) fold(item);
  if (message.edited && !message.deleted) addEditedMark(part("text"), message.edited);
  return item;
}

/** Offer what the reader may do with a message. @param {HTMLElement} item @param {Message} message @param {number} reader @param {Rights} rights */
export function offerActions(item, message, reader, { moderates, canWrite }) {
  const isOwn = message.author.id === reader;
  const action = (name) => /** @type {HTMLElement} */ (item.querySelector(`.message__action--${name}`));
  const isText = hasText(message);
  const deletesReason = Boolean(message.removed) && moderates && !isOwn;
  action("own").hidden = !isText || !isOwn || !canWrite;
  action("delete").hidden = !isText || (!isOwn && !moderates);
  action("reason").hidden = !deletesReason;
  action("text").hidden = !isText;
  action("profile").hidden = isOwn;
  action("report").hidden = message.removed ? deletesReason : isOwn || moderates;
}

/** Hide the text of a message of somebody whom the reader ignores, until they want to see it. @param {HTMLElement} item */
export function hideIgnored(item) {
  const note = /** @type {HTMLElement} */ (item.querySelector(".message__ignored"));
  note.hidden = false;
  item.classList.add("message--ignored");
  note.querySelector("button").addEventListener("click", () => {
    note.hidden = true;
    item.classList.remove("message--ignored");
    item.focus({ preventScroll: true });
  });
}

/** @returns {Node | string} */
function renderText(message, mentions) {
  if (message.deleted) return deletionText(message);
  if (message.event) return eventSentence(message);
  return renderMarkup(message.message, mentions.map(({ name }) => name));
}

/** @param {Message} message that was deleted */
function deletionText({ removed }) {
  if (removed === undefined) return gettext("Message deleted");
  return removed ? gettext("Removed by a moderator: {reason}", { reason: isolate(removed) }) : gettext("Removed by a moderator");
}

/**
 * Show the author of a message by the present name, with the name that it was sent under on hover.
 * @param {Element} item
 * @param {{id: number, name: string}} author as in the message
 * @param {string} [name] the present name, if it is known
 */
export function showAuthor(item, author, name = author.name) {
  const shown = /** @type {HTMLElement} */ (item.querySelector(".message__author"));
  renderAvatar(item.querySelector(".avatar"), { ...author, name });
  shown.textContent = name;
  shown.title = name === author.name ? "" : gettext("Sent as {name}", { name: isolate(author.name) });
}

function isLong(text) {
  return text.length > MAX_CHARACTERS || text.split("\n", MAX_LINES + 1).length > MAX_LINES;
}

/** Whether a message begins a group: the message before it is of another author, older, or an event of the room. */
export function beginsGroup(previous, message) {
  return (
    !previous ||
    previous.event ||
    previous.author.id !== message.author.id ||
    previous.author.name !== message.author.name ||
    previous.author.staff !== message.author.staff ||
    new Date(message.at) - new Date(previous.at) > GROUP_SPAN
  );
}

/** Whether a message is the first of a day, in the local time zone. */
export function beginsDay(previous, message) {
  return !previous || new Date(previous.at).toDateString() !== new Date(message.at).toDateString();
}

/** @returns {HTMLLIElement} the line above a day's first message */
export function renderDayLine(message) {
  const item = document.createElement("li");
  item.className = "day";
  item.textContent = formatRecentDay(new Date(message.at));
  return item;
}

/**
 * @param {Date | null} since
 * @returns {HTMLLIElement} the line above the first new message
 */
export function renderNewLine(since) {
  const item = document.createElement("li");
  item.className = "day day--new";
  item.textContent = since ? gettext("New since {time}", { time: formatRecentTime(since) }) : gettext("New");
  return item;
}

/** Add "(edited)" after a text, or below its code block. */
function addEditedMark(text, edited) {
  const mark = document.createElement("span");
  mark.className = "message__edited";
  mark.textContent = gettext("(edited)");
  mark.title = exactFormat.format(new Date(edited));
  if (text.lastChild.nodeName === "PRE") return text.after(mark);
  mark.prepend(" "); // not copied, as the mark
  text.append(mark);
}
