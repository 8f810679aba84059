/** A tap beside an open drawer closes it, and does nothing else: the browser would also click on what lies beneath. */

const DRAWERS = ":is(.sidebar, .people):popover-open";

let isDismissing = false;

addEventListener("pointerdown", pressed, { capture: true });
for (const type of ["mousedown", "click"]) addEventListener(type, swallow, { capture: true });

/** @param {PointerEvent} event */
function pressed({ target }) {
  const isInside = /** @type {Element} */ (target).closest?.(":popover-open"); // or in what has opened above the drawer
  isDismissing = !isInside && document.querySelector(DRAWERS) !== null;
}

/** @param {MouseEvent} event the press may move the focus, and the click presses a button */
function swallow(event) {
  if (!isDismissing || event.detail === 0) return; // a key's click has no detail
  event.preventDefault();
  event.stopImmediatePropagation();
}
