/** Permalink of a message, copied to the clipboard. */

import { gettext } from "../../../base/js/i18n.js";
import { copyText } from "./clipboard.js";
import { showFooter, textElement } from "./message-footer.js";

/** How long the confirmation is shown (milliseconds). */
const CONFIRMATION_TIME = 2000;

/**
 * @param {HTMLElement} item the message
 * @param {string} address
 */
export async function copyLink(item, address) {
  const { href } = new URL(address, location.href);
  if (!(await copyText(href))) return showFooter(item, textElement(href)); // to be copied by hand
  const status = item.querySelector(".message__status");
  status.textContent = gettext("Link copied");
  setTimeout(() => (status.textContent = ""), CONFIRMATION_TIME);
}
