/** Key presses that outlast what they were meant for: a held Enter or Escape acts once, whatever it has led to. */

/** A second press within this time of a change is still meant for what was there before (milliseconds). */
export const SETTLE = 500;

const ACTING = ["Enter", "Escape"];

addEventListener(
  "keydown",
  (event) => {
    const isActing = ACTING.includes(event.key) && !event.isComposing && event.keyCode !== 229 && !event.shiftKey;
    if (!isActing || !event.repeat) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  { capture: true },
);
