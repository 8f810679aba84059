/**
 * People's names within sentences of the page: whatever a name is, the words around it stay in their order, and one
 * sees where it begins and ends. A sentence is put together as a string, so that it can be translated.
 */

/** Unicode's own marks (FSI, PDI): no name has them. */
const BEGIN = "\u2068";
const END = "\u2069";

/** @param {string} name @returns {string} the name as it goes into a sentence */
export function isolated(name) {
  return BEGIN + name + END;
}

/**
 * @param {HTMLElement} place
 * @param {string} sentence in which names are `isolated`: each becomes an element
 */
export function write(place, sentence) {
  const parts = sentence.split(new RegExp(`[${BEGIN}${END}]`)); // every second is a name
  place.replaceChildren(...parts.map((part, index) => (index % 2 ? element(part) : part)));
}

function element(name) {
  const made = document.createElement("bdi");
  made.textContent = name;
  return made;
}
