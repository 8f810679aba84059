/** Replace lone surrogates by U+FFFD: UTF-8, and so the wire, cannot encode them. */
export function wellFormed(text) {
  return text.replaceAll(/\p{Surrogate}/gu, "\ufffd");
}
