/** What stands under a message: a text, and what can be done about it. */

/**
 * @param {HTMLElement} item
 * @param {Node[]} content nothing hides it
 */
export function showNote(item, ...content) {
  const note = item.querySelector(".message__note");
  note.replaceChildren(...content);
  note.hidden = content.length === 0;
}

/** @returns {HTMLSpanElement} */
export function text(content) {
  const span = document.createElement("span");
  span.textContent = content;
  return span;
}

/** @returns {HTMLButtonElement} */
export function button(label, onClick) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", onClick);
  return made;
}
