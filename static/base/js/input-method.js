/** Input methods, which take keys while they compose text, as for Chinese. */

/** Code of a key that an input method has taken. */
const TAKEN = 229;

/**
 * @param {KeyboardEvent} event keydown
 * @returns {boolean} whether the key is an input method's. Safari ends the composition before it dispatches the Enter that
 *   ended it: then only the code says so.
 */
export function isOfInputMethod({ isComposing, keyCode }) {
  return isComposing || keyCode === TAKEN;
}
