/** Footer of a message: a text about its state, and buttons. */

/**
 * @param {HTMLElement} item
 * @param {Node[]} content none hides the footer
 */
export function showFooter(item, ...content) {
  const footer = item.querySelector(".message__footer");
  footer.replaceChildren(...content);
  footer.hidden = content.length === 0;
}

/** @returns {HTMLSpanElement} */
export function textElement(content) {
  const span = document.createElement("span");
  span.textContent = content;
  return span;
}

/** @returns {HTMLButtonElement} */
export function buttonElement(label, onClick) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", onClick);
  return button;
}
