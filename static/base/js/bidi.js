/**
 * Bidirectional isolation of names in sentences: a name in any script leaves the order of the words around it unchanged,
 * and is shown in an element of its own. A sentence is built as a string, so that it can be translated.
 */

/** Unicode's isolation characters (FSI, PDI). Names cannot contain them. */
const BEGIN = "\u2068";
const END = "\u2069";

/** @param {string} name @returns {string} the name, to be inserted into a sentence */
export function isolate(name) {
  return BEGIN + name + END;
}

/**
 * Show a sentence, with an element for each isolated name.
 * @param {HTMLElement} element
 * @param {string} sentence
 */
export function showSentence(element, sentence) {
  const parts = sentence.split(new RegExp(`[${BEGIN}${END}]`)); // every second part is a name
  element.replaceChildren(...parts.map((part, index) => (index % 2 ? nameElement(part) : part)));
}

function nameElement(name) {
  const bdi = document.createElement("bdi");
  bdi.textContent = name;
  return bdi;
}
