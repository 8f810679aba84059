/** The beginning of a room, above its first message: its name, since when it exists, and its link or its members. */

import { isolate, showSentence } from "../../../base/js/bidi.js";
import { gettext } from "../../../base/js/i18n.js";
import { formatDay } from "../../../base/js/time-format.js";
import { copyText } from "./clipboard.js";
import { CONFIRMATION_TIME } from "./copying.js";

/**
 * @param {string} name in the room's address
 * @param {string} address its path
 * @param {object} data of its page
 * @param {string} data.title what a private room is called: its link would be of no use to others
 * @param {boolean} [data.has_members] whether it has a page of its members
 * @param {boolean} [data.is_partial] whether earlier messages are hidden from the person
 * @param {string} [data.created_at] ISO 8601, if known
 * @returns {HTMLElement}
 */
export function renderBeginning(name, address, { title, has_members: hasMembers, is_partial: isPartial, created_at: createdAt }) {
  const beginning = element("div", "beginning");
  const heading = element("p", "beginning__title");
  const room = isolate(title || name);
  const text = isPartial ? gettext("You see messages sent after you joined {room}", { room }) : gettext("This is the start of {room}", { room });
  showSentence(heading, text);
  beginning.append(heading);
  if (hasMembers) beginning.append(membersLink(address));
  else if (!title) beginning.append(linkButton(new URL(address, location.href).href));
  if (createdAt) showCreation(beginning, createdAt);
  return beginning;
}

/** @param {HTMLElement} beginning @param {string} createdAt ISO 8601 */
export function showCreation(beginning, createdAt) {
  const created = element("p", "beginning__created");
  created.textContent = gettext("Created on {day}", { day: formatDay(new Date(createdAt)) });
  beginning.firstElementChild.after(created);
}

/** @param {string} address of a private room */
function membersLink(address) {
  const container = element("div", "beginning__link");
  const link = document.createElement("a");
  link.href = `${address}members/`;
  link.textContent = gettext("Members and invitations");
  container.append(link);
  return container;
}

function linkButton(href) {
  const link = element("div", "beginning__link");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = gettext("Copy room link");
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    const isCopied = await copyText(href);
    status.textContent = isCopied ? gettext("Link copied") : href; // to be copied by hand
    if (isCopied) setTimeout(() => (status.textContent = ""), CONFIRMATION_TIME);
  });
  link.append(button, " ", status);
  return link;
}

function element(tag, className) {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}
