/**
 * Submission of forms that lead to another page. A form is submitted once: a second click would drop the response to the
 * first, and with it the session of a person who has just signed up or signed in. And only while the server answers:
 * otherwise the browser would replace the page, and what was typed there, with its own error page. This is a classic
 * script: modules run after the page has been parsed, when a form may have been submitted already.
 */
{
  /** Time limit for the server's answer. After this time the form can be submitted again (milliseconds). */
  const RESPONSE_TIMEOUT = 10_000;

  const { problem } = document.currentScript.dataset;
  const notice = document.createElement("p");
  Object.assign(notice, { className: "notice", role: "alert", popover: "manual" });

  let submittedAt = -Infinity;
  let isChecked = false;

  addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (isChecked || event.defaultPrevented || form.getAttribute("method") !== "post") return;
    event.preventDefault();
    if (performance.now() - submittedAt < RESPONSE_TIMEOUT) return;
    submittedAt = performance.now();
    notice.remove();
    submitIfReachable(form, submitter);
  });
  addEventListener("online", () => notice.remove());
  addEventListener("pageshow", () => (submittedAt = -Infinity)); // the browser may restore the page

  async function submitIfReachable(form, submitter) {
    const isAnswered = await isReachable();
    submittedAt = isAnswered ? performance.now() : -Infinity;
    if (!isAnswered) return showProblem();
    isChecked = true;
    form.requestSubmit(submitter);
    isChecked = false;
  }

  /** Whether the server answers, and no proxy in its place. */
  async function isReachable() {
    const options = { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(RESPONSE_TIMEOUT) };
    return fetch("/healthz", options).then(({ status }) => status < 500, () => false);
  }

  function showProblem() {
    document.body.append(notice);
    notice.showPopover();
    notice.textContent = problem;
  }
}
