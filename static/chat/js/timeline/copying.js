/** What is copied from a message to the clipboard, with a confirmation in its toolbar: its link, its text or its code. */

import { gettext } from "../../../base/js/i18n.js";
import { copyText } from "./clipboard.js";
import { showFooter, textElement } from "./message-footer.js";

/** How long the confirmation is shown (milliseconds). */
export const CONFIRMATION_TIME = 2000;

/** @param {HTMLElement} item the message @param {string} address */
export function copyLink(item, address) {
  return copy(item, new URL(address, location.href).href, gettext("Link copied"));
}

/** @param {HTMLElement} item @param {string} text of the message, as it was written */
export function copyMessage(item, text) {
  return copy(item, text, gettext("Text copied"));
}

/** Copy the blocks of code of a message. @param {HTMLElement} item */
export function copyCode(item) {
  const blocks = [...item.querySelectorAll("pre code")].map((block) => block.textContent);
  return copy(item, blocks.join("\n\n"), gettext("Code copied"));
}

async function copy(item, text, confirmation) {
  if (!(await copyText(text))) return showFooter(item, textElement(text)); // to be copied by hand
  const status = item.querySelector(".message__status");
  status.textContent = confirmation;
  setTimeout(() => (status.textContent = ""), CONFIRMATION_TIME);
}
