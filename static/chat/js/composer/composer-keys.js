/** Keys of the composer beside those of every text field, and typing anywhere on the page. */

import { isOfInputMethod } from "../../../base/js/input-method.js";
import { hasCommandModifier, hasModifier } from "../../../base/js/shortcut-keys.js";
import { insertText } from "./insert-text.js";

/** Part of the view that PageUp and PageDown scroll. */
const PAGE = 0.875;

const PAGES = { PageUp: -PAGE, PageDown: PAGE };
const MARKS = { b: "**", i: "*" };

/**
 * @param {HTMLTextAreaElement} input
 * @param {HTMLElement} timeline PageUp and PageDown scroll it
 * @param {AbortSignal} signal aborted when the room is left
 */
export function listenForComposerKeys(input, timeline, signal) {
  document.addEventListener("keydown", (event) => startsText(event) && input.focus({ preventScroll: true }), { signal });
  input.addEventListener("keydown", (event) => {
    const mark = hasCommandModifier(event) && !event.shiftKey && MARKS[event.key.toLowerCase()];
    const page = !hasModifier(event) && PAGES[event.key];
    if ((!mark && !page) || isOfInputMethod(event)) return;
    event.preventDefault();
    if (mark) toggleMark(input, mark);
    else timeline.scrollBy({ top: page * timeline.clientHeight });
  });
}

/** Whether a key types text where no text can be: not into another field, a dialog or a menu. `?` opens the shortcuts. */
function startsText(event) {
  const { key, target } = event;
  const isCharacter = [...key].length === 1 && ![" ", "?"].includes(key) && !isOfInputMethod(event);
  if (!isCharacter || event.defaultPrevented) return false;
  if ((event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph")) return false;
  const isElsewhere = target.matches("input, textarea, select") || target.isContentEditable;
  return !isElsewhere && !document.querySelector("dialog[open], :popover-open");
}

/** Put the selected text between marks, or take them away. Without a selection, the caret stands between the marks. */
function toggleMark(input, mark) {
  const { value } = input;
  const [start, end] = trimmed(value, input.selectionStart, input.selectionEnd);
  const stars = Math.min(/\**$/.exec(value.slice(0, start))[0].length, /^\**/.exec(value.slice(end))[0].length);
  const isMarked = mark === "**" ? stars >= 2 : stars % 2 === 1;
  const { length } = mark;
  const text = value.slice(start, end);
  const shift = isMarked ? -length : length;
  input.setSelectionRange(start, isMarked ? end + length : end);
  insertText(input, isMarked ? text : mark + text + mark, isMarked ? start - length : start);
  input.setSelectionRange(start + shift, end + shift);
}

/** The selection without spaces at its ends, beside which marks have no effect. */
function trimmed(value, start, end) {
  const text = value.slice(start, end);
  if (!text.trim()) return [start, end];
  return [end - text.trimStart().length, start + text.trimEnd().length];
}
