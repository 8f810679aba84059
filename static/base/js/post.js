/** Posts a form in the background, with a fresh CSRF token where another tab has signed in since the page was loaded. */

import { gettext } from "./i18n.js";

/** How long a fresh token may take (milliseconds). */
const PATIENCE = 10_000;

class OutOfDate extends Error {}

/**
 * @param {string} address
 * @param {HTMLFormElement} form
 * @returns {Promise<Response>} Throws where the server cannot be reached, or the page is out of date.
 */
export async function post(address, form) {
  const response = await send(address, form);
  if (!isStale(response)) return response;
  if (!(await refreshTokens())) throw new OutOfDate();
  const again = await send(address, form);
  if (isStale(again)) throw new OutOfDate();
  return again;
}

/**
 * Put a fresh token into all forms, if this browser still has a session of the page's person.
 * @returns {Promise<boolean>} whether it has
 */
export async function refreshTokens() {
  const { you } = JSON.parse(document.getElementById("room-data").textContent);
  const response = await fetch("/csrf/", { signal: AbortSignal.timeout(PATIENCE) });
  const fresh = await response.json();
  if (fresh.you !== you.id) return false;
  for (const field of document.getElementsByName("csrfmiddlewaretoken")) field.value = fresh.token;
  return true;
}

/** @returns {string} what to say of an error that `post` has thrown */
export function reasonOf(error, otherwise) {
  return error instanceof OutOfDate ? gettext("This page is out of date. Reload the page.") : otherwise;
}

function send(address, form) {
  return fetch(address, { method: "POST", body: new FormData(form), keepalive: true });
}

/** Django answers a wrong token with a page; everything else is JSON. */
function isStale({ status, headers }) {
  return status === 403 && !headers.get("Content-Type")?.includes("json");
}
