/** Sleep detector: timers stand still while the computer sleeps, and its connections may be dead afterwards. */

const CHECK_INTERVAL = 2000; // milliseconds

/** A gap between two checks that means sleep (milliseconds). Browsers delay a hidden page's timers by up to a minute. */
const SLEEP_GAP = 10_000;
const HIDDEN_SLEEP_GAP = 75_000;

/**
 * @param {() => void} action called whenever the computer has woken up
 * @param {AbortSignal} signal ends the detection
 */
export function onWake(action, signal) {
  let last = Date.now();
  const timer = setInterval(() => {
    const gap = Date.now() - last;
    last += gap;
    if (gap > (document.hidden ? HIDDEN_SLEEP_GAP : SLEEP_GAP)) action();
  }, CHECK_INTERVAL);
  signal.addEventListener("abort", () => clearInterval(timer));
}
