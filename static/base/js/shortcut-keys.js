/** Keyboard shortcuts with this system's modifier key: Ctrl, or ⌘ on Apple devices. */

const isApple = /^(Mac|iP)/.test(navigator.platform);

/** @param {KeyboardEvent} event @returns {boolean} whether the command modifier is held; Shift may be held as well */
export function hasCommandModifier({ ctrlKey, metaKey, altKey }) {
  return !altKey && (isApple ? metaKey && !ctrlKey : ctrlKey && !metaKey);
}

/** @param {KeyboardEvent | MouseEvent} event @returns {boolean} whether any modifier key is held */
export function hasModifier({ altKey, ctrlKey, metaKey, shiftKey }) {
  return altKey || ctrlKey || metaKey || shiftKey;
}

/** Show ⌘ and ⌥ instead of Ctrl and Alt in all `<kbd>` elements on Apple devices. */
export function labelShortcutKeys() {
  if (!isApple) return;
  for (const key of document.querySelectorAll("kbd")) {
    key.textContent = key.textContent.replace("Ctrl", "⌘").replace("Alt", "⌥");
  }
}
