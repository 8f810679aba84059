/** The text with U+FFFD for each lone surrogate: UTF-8, and so the wire, cannot carry those. */
export function wellFormed(text) {
  return text.replaceAll(/\p{Surrogate}/gu, "\ufffd");
}
