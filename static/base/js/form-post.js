/** Background submission of forms, with a fresh CSRF token if another tab has signed in since the page was loaded. */

import { gettext } from "./i18n.js";

const TOKEN_TIMEOUT = 10_000; // milliseconds

const FAILED = gettext("Couldn't save. Try again in a moment.");

class StalePageError extends Error {}

/**
 * Post a form. Throws an error if the server cannot be reached or the page is out of date.
 * @param {string} address
 * @param {HTMLFormElement} form
 * @returns {Promise<Response>}
 */
export async function postForm(address, form) {
  const response = await send(address, form);
  if (!isTokenError(response)) return response;
  if (!(await refreshCsrfTokens())) throw new StalePageError();
  const second = await send(address, form);
  if (isTokenError(second)) throw new StalePageError();
  return second;
}

/**
 * Post a form.
 * @param {string} address
 * @param {HTMLFormElement} form
 * @returns {Promise<string>} why it was not saved; "" if it was
 */
export async function saveForm(address, form) {
  try {
    const response = await postForm(address, form);
    return response.ok ? "" : (await response.json()).error.detail;
  } catch (error) {
    return errorText(error, FAILED);
  }
}

/**
 * Put a fresh token into all forms, if the browser's session is still that of the page's person.
 * @returns {Promise<boolean>} whether it is
 */
export async function refreshCsrfTokens() {
  const { you } = document.getElementById("rooms").dataset;
  const response = await fetch("/csrf/", { signal: AbortSignal.timeout(TOKEN_TIMEOUT) });
  const fresh = await response.json();
  if (fresh.you !== Number(you)) return false;
  for (const field of document.getElementsByName("csrfmiddlewaretoken")) field.value = fresh.token;
  return true;
}

/** @returns {string} the text for an error that `postForm` has thrown */
export function errorText(error, fallback) {
  return error instanceof StalePageError ? gettext("This page is out of date. Reload the page.") : fallback;
}

function send(address, form) {
  return fetch(address, { method: "POST", body: new FormData(form), keepalive: true });
}

/** Django answers a wrong token with a page; all other responses are JSON. */
function isTokenError({ status, headers }) {
  return status === 403 && !headers.get("Content-Type")?.includes("json");
}
