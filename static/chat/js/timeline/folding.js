/** Folding of long messages: a button shows the rest of a text that is taller than its limit. */

import { gettext } from "../../../base/js/i18n.js";

/** Shows the button of each long text that its limit cuts, at the present width. */
const sizes = new ResizeObserver((entries) => {
  for (const { target: text } of entries) {
    const item = text.closest(".message");
    if (!item || isUnfolded(item)) continue;
    const isCut = text.scrollHeight > text.clientHeight + 1;
    item.classList.toggle("message--folded", isCut);
    buttonOf(item).hidden = !isCut;
  }
});

/** Fold a long text. @param {HTMLElement} item */
export function fold(item) {
  item.classList.add("message--long");
  sizes.observe(item.querySelector(".message__text"));
}

/** Whether the reader has unfolded a message. */
export function isUnfolded(item) {
  return item.classList.contains("message--unfolded");
}

/** Fold or unfold a message. */
export function setUnfolded(item, isShown) {
  const button = buttonOf(item);
  item.classList.toggle("message--unfolded", isShown);
  item.classList.toggle("message--folded", !isShown);
  button.hidden = false;
  button.ariaExpanded = String(isShown);
  button.textContent = isShown ? gettext("Show less") : gettext("Show more");
}

/**
 * Fold and unfold messages, by their buttons, and where the focus moves to what is hidden.
 * @param {HTMLElement} log
 * @param {{resize: (item: Element, change: () => void) => void}} timeline keeps the beginning of the message in place
 */
export function connectFolding(log, timeline) {
  const toggle = (item, isShown) => timeline.resize(item, () => setUnfolded(item, isShown));
  log.addEventListener("click", ({ target }) => {
    const item = target.closest(".message__fold")?.closest(".message");
    if (item) toggle(item, !isUnfolded(item));
  });
  log.addEventListener("focusin", ({ target }) => {
    const text = target.closest(".message--folded .message__text");
    const isHidden = text && target.getBoundingClientRect().bottom > text.getBoundingClientRect().bottom;
    if (isHidden) toggle(text.closest(".message"), true);
  });
}

function buttonOf(item) {
  return item.querySelector(".message__fold");
}
