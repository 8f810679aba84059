/**
 * A press beside an open drawer closes it, and does nothing else: the browser would also click on what lies beneath. So does
 * a tap beside a menu or another popup, except for the emoji picker: people go on writing beside it.
 */

const DRAWERS = ":is(.sidebar, .people):popover-open";
const POPUPS = ".popup:not(.emoji-picker):popover-open";

let isDismissing = false;

addEventListener("pointerdown", pressed, { capture: true });
for (const type of ["mousedown", "click"]) addEventListener(type, swallow, { capture: true });

/** @param {PointerEvent} event */
function pressed({ target, pointerType }) {
  const isOpen = (selector) => document.querySelector(selector) !== null;
  const within = (selector) => /** @type {Element} */ (target).closest?.(selector);
  const isOnPopup = within(POPUPS) || within("[popovertarget]"); // the button that has opened it closes it
  const isBesideDrawer = isOpen(DRAWERS) && !within(":popover-open"); // nor in what has opened above the drawer
  isDismissing = isBesideDrawer || (pointerType === "touch" && isOpen(POPUPS) && !isOnPopup);
}

/** @param {MouseEvent} event the press may move the focus, and the click presses a button */
function swallow(event) {
  if (!isDismissing || event.detail === 0) return; // a key's click has no detail
  event.preventDefault();
  event.stopImmediatePropagation();
}
