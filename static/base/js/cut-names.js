/** Texts that are cut with an ellipsis: a tip shows the whole text on hover, and while a link or button with it has the focus. */

/** Distance of the tip from the text, and from the window's edges (pixels). */
const GAP = 4;

const tip = document.createElement("div");
tip.className = "tip";
tip.popover = "manual";
tip.ariaHidden = "true"; // screen readers read the whole text anyway

/** @type {Element | null} */
let shown = null;

addEventListener("pointerover", ({ target, pointerType }) => pointerType === "mouse" && show(cutAround(target)));
addEventListener("focusin", ({ target }) => show(target.matches(":is(a, button):focus-visible") ? cutWithin(target) : null));
addEventListener("focusout", () => show(null));
addEventListener("scroll", () => show(null), { capture: true, passive: true });
addEventListener("keydown", ({ key }) => key === "Escape" && show(null), { capture: true });

function show(element) {
  if (element === shown) return;
  shown = element;
  if (element) requestAnimationFrame(() => element === shown && element.isConnected && open());
  else tip.remove();
}

/** Open the tip, in the next frame: before, the browser may be opening or closing a popover, which moves the focus. */
function open() {
  tip.textContent = shown.textContent.trim();
  document.body.append(tip);
  tip.showPopover();
  place(shown.getBoundingClientRect());
}

function place({ left, top, bottom }) {
  const { offsetWidth: width, offsetHeight: height, style } = tip;
  const below = bottom + GAP;
  style.top = `${below + height > innerHeight ? top - GAP - height : below}px`;
  style.left = `${Math.max(GAP, Math.min(left, innerWidth - GAP - width))}px`;
}

/** The cut text that is an element or contains it. */
function cutAround(element) {
  return [element, element.parentElement].find((each) => each && isCut(each)) ?? null;
}

function cutWithin(element) {
  return [element, ...element.querySelectorAll("*")].find(isCut) ?? null;
}

function isCut(element) {
  return element.scrollWidth > element.clientWidth && !element.matches("input, textarea") && hasEllipsis(element);
}

function hasEllipsis(element) {
  return getComputedStyle(element).textOverflow === "ellipsis";
}
