/** Key repeat guard: a held Enter or Escape acts once, whatever its first press has opened or closed. */

import { isOfInputMethod } from "./input-method.js";

/** A second press within this time after a change is a double press, meant for the state before (milliseconds). */
export const DOUBLE_PRESS_TIME = 500;

const GUARDED_KEYS = ["Enter", "Escape"];

addEventListener(
  "keydown",
  (event) => {
    const isGuarded = GUARDED_KEYS.includes(event.key) && !isOfInputMethod(event) && !event.shiftKey;
    if (!isGuarded || !event.repeat) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  { capture: true },
);
