/**
 * Do something with the browser's storage, which may be full or forbidden; then memory must do.
 * @param {(storage: Storage) => any} action
 * @param {"localStorage" | "sessionStorage"} [kind] that of all tabs, or this tab's own
 */
export function withStorage(action, kind = "localStorage") {
  try {
    return action(window[kind]);
  } catch {
    return null;
  }
}
