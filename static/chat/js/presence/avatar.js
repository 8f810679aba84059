/** Avatars: the first letter of a person's name, in a hue that is derived from the person's id. */

const GOLDEN_ANGLE = 137.508; // consecutive ids get distant hues
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * @param {HTMLElement} element
 * @param {{id: number, name: string}} person
 */
export function renderAvatar(element, person) {
  const [first] = graphemes.segment(person.name);
  element.textContent = first.segment.toUpperCase();
  element.style.setProperty("--hue", ((person.id * GOLDEN_ANGLE) % 360).toFixed(0));
}
