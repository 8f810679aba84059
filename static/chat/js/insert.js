/**
 * Write a text where the caret is, over what is selected, as if it had been typed: so it can be undone.
 * @param {HTMLTextAreaElement} input
 * @param {string} text
 * @param {number} [from] where it begins, if what stands between there and the caret is to go
 */
export function insert(input, text, from = input.selectionStart) {
  input.focus();
  input.setSelectionRange(from, input.selectionEnd);
  document.execCommand("insertText", false, text);
}
