/**
 * The composer until its module is there, which takes over: a line break marks where Enter was pressed, and the module sends
 * what stands before it. What is typed is kept for the next load of the page, and a page that does not load says so.
 * This is a classic script, since modules run only once the page has been read.
 */
{
  /** How long the scripts may take (milliseconds). */
  const PATIENCE = 30_000;

  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const { you, key } = read("room-data");
  const KEPT = `lobby.early.${you.id}.${key}`;
  const takenOver = new AbortController();
  const { signal } = takenOver;
  const input = () => document.getElementById("chat-message-input");
  const pill = () => document.getElementById("state");
  const listen = (type, listener) => addEventListener(type, listener, { capture: true, signal });

  /** Do something with this tab's storage, unless it is blocked or full. */
  function withStorage(action) {
    try {
      return action(sessionStorage);
    } catch {
      return null;
    }
  }

  let kept = withStorage((storage) => JSON.parse(storage.getItem(KEPT)));
  if (typeof kept?.text !== "string" || !Array.isArray(kept.enters)) kept = null;

  /** Put what was typed before the page was loaded again in front of what is typed now. */
  function restore() {
    if (!kept || !input()) return;
    const { text, enters } = kept;
    kept = null;
    const ends = placesOf(input()).map((end) => end + text.length);
    input().value = text + input().value;
    mark([...enters, ...ends]);
  }

  function placesOf({ dataset }) {
    return (dataset.enters ?? "").split(" ").filter(Boolean).map(Number);
  }

  function mark(places) {
    if (places.length) input().dataset.enters = places.join(" ");
  }

  function keep() {
    restore();
    if (!input()) return;
    const value = JSON.stringify({ text: input().value, enters: placesOf(input()) });
    withStorage((storage) => storage.setItem(KEPT, value));
  }

  function enter() {
    if (!input().value.trim()) return;
    input().setRangeText("\n", input().value.length, input().value.length, "end");
    mark([...placesOf(input()), input().value.length]);
    keep();
  }

  function fail() {
    if (document.readyState === "loading") return document.addEventListener("DOMContentLoaded", fail, { signal });
    pill().querySelector("span").textContent = pill().dataset.failed;
    pill().querySelector("button").hidden = false;
    pill().querySelector("button").onclick = () => location.reload();
    pill().hidden = false;
    listen("online", () => location.reload());
  }

  const limit = setTimeout(fail, PATIENCE);
  document.addEventListener("readystatechange", restore, { signal });
  listen("error", ({ target }) => target.matches?.("script[type=module][src*='/chat/js/']") && fail());
  listen("input", ({ target }) => target === input() && keep());
  listen("pagehide", keep);
  listen("submit", (event) => {
    if (event.target.id !== "composer") return;
    event.preventDefault();
    enter();
    input().focus();
  });
  listen("keydown", (event) => {
    const { target, key, shiftKey, isComposing, keyCode, repeat } = event;
    if (target !== input() || key !== "Enter" || shiftKey || isComposing || keyCode === 229) return;
    event.preventDefault();
    if (!repeat) enter();
  });
  listen("takeover", () => {
    takenOver.abort();
    clearTimeout(limit);
    pill().hidden = true;
    withStorage((storage) => storage.removeItem(KEPT));
  });
}
