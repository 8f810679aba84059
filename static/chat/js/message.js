/** One message as an element. Whatever way a message comes, it is drawn here. */

import { clock, exact, writeDay, writeHour } from "../../base/js/clock.js";
import { gettext } from "../../base/js/i18n.js";
import { paintAvatar } from "./avatar.js";
import { isEmoji } from "./emoji.js";
import { draw } from "./markup.js";

/** Messages of one author within this time of each other stand together (milliseconds). */
const GROUP_SPAN = 5 * 60 * 1000;

/** A text of more lines, or of more characters than can be sent, scrolls by itself. */
const MOST_LINES = 40;
const MOST_CHARACTERS = 4000;

/**
 * A message as it now is. One that is not stored yet has no number and no seq.
 * @typedef {object} Message
 * @property {number} [number]
 * @property {number} [seq]
 * @property {string} client_id
 * @property {{id: number, name: string, staff?: boolean}} author
 * @property {string} message the text
 * @property {string} at ISO 8601
 * @property {string | null} [edited]
 * @property {string | null} [deleted]
 * @property {{id: number, name: string}[]} [mentions] whom it names, each as the text has it
 * @property {string | null} [failed] why it was not sent
 */

/**
 * @param {Message} message
 * @param {number} reader the id of the person who reads
 * @returns {HTMLLIElement}
 */
export function drawMessage(message, reader) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById("message"));
  const item = /** @type {HTMLLIElement} */ (template.content.firstElementChild.cloneNode(true));
  const part = (name) => item.querySelector(`.message__${name}`);
  const at = new Date(message.at);
  const { mentions = [] } = message;
  const isForReader = mentions.some(({ id }) => id === reader);
  paintAvatar(item.querySelector(".avatar"), message.author);
  part("author").textContent = message.author.name;
  item.querySelector(".staff").hidden = !message.author.staff;
  for (const time of item.querySelectorAll("time")) {
    time.dateTime = message.at;
    time.title = exact.format(at);
  }
  part("time").textContent = clock.format(at);
  part("gutter").textContent = writeHour(at);
  part("to-you").hidden = !isForReader;
  part("text").append(message.deleted ? gettext("Message deleted") : draw(message.message, mentions.map(({ name }) => name)));
  item.classList.toggle("message--mention", isForReader);
  item.classList.toggle("message--emoji", !message.deleted && isEmoji(message.message));
  item.classList.toggle("message--gone", Boolean(message.deleted));
  item.classList.toggle("message--failed", Boolean(message.failed));
  item.classList.toggle("message--pending", !message.number && !message.failed);
  item.querySelector(".message__tools").hidden = !message.number || Boolean(message.deleted);
  for (const tool of item.querySelectorAll(".message__tool--own")) tool.hidden = message.author.id !== reader;
  if (isTall(message.message)) bound(item, part("text"));
  if (message.edited && !message.deleted) trace(part("text"), message.edited);
  return item;
}

function isTall(text) {
  return text.length > MOST_CHARACTERS || text.split("\n", MOST_LINES + 1).length > MOST_LINES;
}

function bound(item, text) {
  item.classList.add("message--tall");
  text.tabIndex = 0; // so that the keyboard can scroll it
}

/** Whether a message begins a group: it does not continue what its author has just said. */
export function beginsGroup(previous, message) {
  return (
    !previous ||
    previous.author.id !== message.author.id ||
    previous.author.name !== message.author.name ||
    previous.author.staff !== message.author.staff ||
    new Date(message.at) - new Date(previous.at) > GROUP_SPAN
  );
}

/** Whether a message begins a day of the reader's calendar. */
export function beginsDay(previous, message) {
  return !previous || new Date(previous.at).toDateString() !== new Date(message.at).toDateString();
}

/** @returns {HTMLLIElement} the line above a day's first message */
export function drawDay(message) {
  const item = document.createElement("li");
  item.className = "day";
  item.textContent = writeDay(new Date(message.at));
  return item;
}

/**
 * @param {Date | null} since
 * @returns {HTMLLIElement} the line above the first message that the reader has not seen
 */
export function drawNews(since) {
  const item = document.createElement("li");
  item.className = "day day--new";
  item.textContent = since ? gettext("New since {time}", { time: timeOf(since) }) : gettext("New");
  return item;
}

function timeOf(date) {
  const isToday = date.toDateString() === new Date().toDateString();
  const time = clock.format(date);
  return isToday ? time : gettext("{day}, {time}", { day: writeDay(date), time });
}

/** Say behind a text, or below its code, that it was edited. */
function trace(text, edited) {
  const trace = document.createElement("span");
  trace.className = "message__edited";
  trace.textContent = gettext("(edited)");
  trace.title = exact.format(new Date(edited));
  if (text.lastChild.nodeName === "PRE") text.after(trace);
  else text.append(" ", trace);
}
