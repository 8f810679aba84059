/** Notices that the machine has slept: its timers stood still, and what looks like an open connection may be none. */

/** How often to look (milliseconds). */
const EVERY = 2000;

/** A gap that is a sleep (milliseconds). A hidden page's timers may be held back for up to a minute. */
const SLEEP = 10_000;
const SLEEP_HIDDEN = 75_000;

/** @param {() => void} action what to do whenever the machine has woken up */
export function onWake(action) {
  let last = Date.now();
  setInterval(() => {
    const gap = Date.now() - last;
    last += gap;
    if (gap > (document.hidden ? SLEEP_HIDDEN : SLEEP)) action();
  }, EVERY);
}
