/** Formatter for copying several messages: the author and time of each group, then its texts. */

import { formatRecentTime } from "../../../base/js/time-format.js";

/**
 * @param {import("./chat-log.js").ChatLog} log
 * @param {AbortSignal} signal aborted when the room is left
 */
export function formatCopiedMessages(log, signal) {
  const copied = (event) => {
    const selection = getSelection();
    if (!selection.rangeCount || event.target.closest?.("input, textarea")) return;
    const selected = selectedMessages(log, selection.getRangeAt(0));
    if (selected.length < 2) return; // the browser copies the selected part of one message
    event.clipboardData.setData("text/plain", selected.flatMap(linesOf).join("\n"));
    event.preventDefault();
  };
  document.addEventListener("copy", copied, { signal });
}

function selectedMessages(log, range) {
  const all = [...log.querySelectorAll(".message")].map((item) => {
    const text = selectedText(item.querySelector(".message__text"), range);
    const name = item.querySelector(".message__author").textContent;
    return { ...log.message(item), name, text, isFirst: item.matches(".message--first") };
  });
  return all.filter(({ text, event }) => text && !event);
}

function linesOf({ name, at, text, isFirst }, index) {
  const head = `${name}, ${formatRecentTime(new Date(at))}`;
  if (!index) return [head, text];
  return isFirst ? ["", head, text] : [text];
}

/** The selected part of an element's text, without the mark of an edited message. */
function selectedText(element, range) {
  if (!range.intersectsNode(element)) return "";
  const mark = element.querySelector(".message__edited");
  const all = document.createRange();
  all.selectNodeContents(element);
  if (mark) all.setEndBefore(mark);
  const startsBefore = range.compareBoundaryPoints(Range.START_TO_START, all) <= 0;
  const endsAfter = range.compareBoundaryPoints(Range.END_TO_END, all) >= 0;
  if (startsBefore && endsAfter) return element.innerText.slice(0, mark ? -mark.textContent.length : undefined);
  if (!startsBefore) all.setStart(range.startContainer, range.startOffset);
  if (!endsAfter) all.setEnd(range.endContainer, range.endOffset);
  return all.toString();
}
