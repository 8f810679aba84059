/** The address of a message, and its way into the clipboard. */

import { gettext } from "../../base/js/i18n.js";
import { copy } from "./copy.js";
import { showNote, text } from "./note.js";

/** How long it is said that the link was copied (milliseconds). */
const SAID = 2000;

/**
 * @param {HTMLElement} item the message
 * @param {string} address
 */
export async function copyLink(item, address) {
  const { href } = new URL(address, location.href);
  if (!(await copy(href))) return showNote(item, text(href)); // to be copied by hand
  const said = item.querySelector(".message__said");
  said.textContent = gettext("Link copied");
  setTimeout(() => (said.textContent = ""), SAID);
}
