/** Do something with the browser's storage, which may be full or forbidden; then memory must do. */
export function withStorage(action) {
  try {
    return action(localStorage);
  } catch {
    return null;
  }
}
