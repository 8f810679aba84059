/** Keys, as they are called and used on this machine. */

const isApple = /^(Mac|iP)/.test(navigator.platform);

/** @param {KeyboardEvent} event @returns {boolean} whether the key is held with which one commands: Ctrl, or ⌘ */
export function isCommand({ ctrlKey, metaKey, altKey }) {
  return !altKey && (isApple ? metaKey && !ctrlKey : ctrlKey && !metaKey);
}

/** Call that key as this machine does, wherever a page names it. */
export function nameKeys() {
  if (!isApple) return;
  for (const key of document.querySelectorAll("kbd")) key.textContent = key.textContent.replace("Ctrl", "⌘");
}
