/**
 * Double submit guard for forms that lead to another page: a second click would drop the response to the first, and with
 * it the session of a person who has just signed up or signed in.
 */

/** After this time the form can be submitted again (milliseconds). */
const RESPONSE_TIMEOUT = 10_000;

let submittedAt = -Infinity;

addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.getAttribute("method") !== "post") return;
  if (event.timeStamp - submittedAt < RESPONSE_TIMEOUT) event.preventDefault();
  else submittedAt = event.timeStamp;
});
addEventListener("pageshow", () => (submittedAt = -Infinity)); // the browser may restore the page
