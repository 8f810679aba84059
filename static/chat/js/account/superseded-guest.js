/**
 * Reload for a guest whom the server has never welcomed: pages that a new visitor opens at the same time have a guest each,
 * and the browser keeps the session of one. After the reload all pages have that guest, who claims what was written in them
 * (see signed-out-draft.js).
 */

import { SIGNED_OUT } from "../../../base/js/reconnecting-socket.js";
import { withStorage } from "../../../base/js/storage.js";

const KEY = "lobby.reloaded";

/**
 * Reload the page if its session is refused before it was welcomed, once in this tab until it is welcomed.
 * @param {import("../session.js").Session} session of a guest's page
 */
export function reloadIfSuperseded(session) {
  let isWelcomed = false;
  session.on("welcome", ({ you }) => {
    isWelcomed ||= Boolean(you);
    if (you) withStorage((storage) => storage.removeItem(KEY), "sessionStorage");
  });
  session.on("refusal", (code) => {
    if (code === SIGNED_OUT && !isWelcomed && withStorage(mark, "sessionStorage")) location.reload();
  });
}

/** @returns {boolean} whether the tab was not marked */
function mark(storage) {
  const isFirst = storage.getItem(KEY) === null;
  storage.setItem(KEY, "");
  return isFirst;
}
