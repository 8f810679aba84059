/**
 * Insert a text at the caret, in place of the selection, as if it had been typed: undo reverts it.
 * @param {HTMLTextAreaElement} input
 * @param {string} text
 * @param {number} [from] replace everything from this offset to the caret
 */
export function insertText(input, text, from = input.selectionStart) {
  input.focus();
  input.setSelectionRange(from, input.selectionEnd);
  document.execCommand("insertText", false, text);
}
