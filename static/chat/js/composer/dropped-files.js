/** Files that are dropped or pasted: they cannot be sent, and the browser does not open them in place of the room. */

import { gettext } from "../../../base/js/i18n.js";

/**
 * @param {HTMLTextAreaElement} input
 * @param {(text: string) => void} show shows a notice
 * @param {AbortSignal} signal aborted when the room is left
 */
export function refuseFiles(input, show, signal) {
  const refuse = (event) => {
    event.preventDefault();
    show(gettext("Files can't be sent yet. Paste a link instead."));
  };
  const hasFiles = ({ items }) => [...items].some(({ kind }) => kind === "file");
  addEventListener("dragover", (event) => hasFiles(event.dataTransfer) && event.preventDefault(), { signal });
  addEventListener("drop", (event) => hasFiles(event.dataTransfer) && refuse(event), { signal });
  input.addEventListener("paste", (event) => {
    const { clipboardData: data } = event;
    if (hasFiles(data) && !data.types.includes("text/plain")) refuse(event); // spreadsheets copy a picture beside the text
  });
}
