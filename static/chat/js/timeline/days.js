/** Days of the timeline: while the reader scrolls, the day in view floats above it. "Today" is correct after midnight too. */

import { formatRecentDay } from "../../../base/js/time-format.js";

/** How long the day stays after the last scroll event (milliseconds). */
const SHOW_TIME = 1500;

/** How often the date is checked (milliseconds). */
const CHECK_INTERVAL = 30_000;

/**
 * @param {HTMLElement} scroller
 * @param {import("./chat-log.js").ChatLog} log
 * @param {HTMLElement} element shows the day that is in view
 * @param {import("./timeline.js").Timeline} timeline
 * @param {AbortSignal} signal aborted when the room is left
 */
export function showDays(scroller, log, element, timeline, signal) {
  let timer = 0;
  scroller.addEventListener("scroll", () => {
    const { top } = scroller.getBoundingClientRect();
    const item = timeline.isAtEnd ? null : log.firstBelow(top);
    element.hidden = !item || isBelow(item.previousElementSibling, top);
    if (item) element.textContent = formatRecentDay(new Date(log.message(item).at));
    clearTimeout(timer);
    timer = setTimeout(() => (element.hidden = true), SHOW_TIME);
  }, { passive: true });

  let date = new Date().toDateString();
  const check = () => date !== (date = new Date().toDateString()) && log.refreshDays();
  document.addEventListener("visibilitychange", check, { signal });
  const checking = setInterval(check, CHECK_INTERVAL);
  signal.addEventListener("abort", () => clearInterval(checking));
}

/** Whether a line above messages is itself in view. */
function isBelow(line, top) {
  return Boolean(line?.matches(".day") && line.getBoundingClientRect().bottom > top);
}
