/**
 * A form that leads to another page is sent once. A second click would drop the answer to the first, with what it
 * brings: the session of who has just signed up or in.
 */

/** How long an answer may take; then the form may be sent again (milliseconds). */
const PATIENCE = 10_000;

let sentAt = -Infinity;

addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.getAttribute("method") !== "post") return;
  if (event.timeStamp - sentAt < PATIENCE) event.preventDefault();
  else sentAt = event.timeStamp;
});
addEventListener("pageshow", () => (sentAt = -Infinity)); // the browser may come back to it
