/** A person's mark: the first letter of the name, in a hue that stays with the person. */

const GOLDEN_ANGLE = 137.508; // neighbours in number are far apart in colour
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * @param {HTMLElement} element
 * @param {{id: number, name: string}} person
 */
export function paintAvatar(element, person) {
  const [first] = graphemes.segment(person.name);
  element.textContent = first.segment.toUpperCase();
  element.style.setProperty("--hue", ((person.id * GOLDEN_ANGLE) % 360).toFixed(0));
}
