/** Place of a popover beside the element that opens it. */

/** Least distance from the window's edges (pixels). */
export const EDGE = 8;

/**
 * Place a popover below an element or, in the lower half of the window, above it.
 * @param {HTMLElement} popover with a fixed position
 * @param {DOMRect} anchor
 * @param {number} start where the popover begins in the line's direction (pixels)
 */
export function placePopover(popover, { top, bottom }, start) {
  const isBelow = bottom < innerHeight / 2;
  popover.style.insetBlock = isBelow ? `${bottom}px auto` : `auto ${innerHeight - top}px`;
  popover.style.insetInlineStart = `${Math.max(EDGE, start)}px`;
}
