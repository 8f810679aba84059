/**
 * Input buffer of the composer until its module has loaded: a line break marks each press of Enter, and the module then
 * sends the text before it. The tab's storage keeps the text for the next load of the page. If a script fails to load, the
 * page says so. This is a classic script: modules run only after the page has been parsed, and may fail to load.
 */
{
  const LOAD_TIMEOUT = 30_000; // milliseconds

  /** What was typed before the page, and how long ago at most (milliseconds). */
  const AHEAD = "lobby.ahead";
  const AHEAD_TIME = 30_000;

  const { you, key } = JSON.parse(document.getElementById("room-data").textContent);
  const KEY = `lobby.early.${you.id}.${key}`;
  const takeover = new AbortController();
  const { signal } = takeover;
  const input = () => document.getElementById("chat-message-input");
  const pill = () => document.getElementById("state");
  const listen = (type, listener) => addEventListener(type, listener, { capture: true, signal });

  /** Use this tab's storage, unless it is blocked or full: see storage.js, which this script cannot import. */
  function withStorage(action) {
    try {
      return action(sessionStorage);
    } catch {
      return null;
    }
  }

  function read(key) {
    const stored = withStorage((storage) => JSON.parse(storage.getItem(key)));
    return typeof stored?.text === "string" && Array.isArray(stored.enters) ? stored : null;
  }

  /** Take what was typed on the page before this one: see type-ahead.js. It is for this room only. */
  function takeAhead() {
    const ahead = read(AHEAD);
    withStorage((storage) => storage.removeItem(AHEAD));
    return Date.now() - ahead?.at < AHEAD_TIME ? ahead : null;
  }

  function join(one, other) {
    if (!one || !other) return one ?? other;
    const enters = [...one.enters, ...other.enters.map((end) => end + one.text.length)];
    return { text: one.text + other.text, enters };
  }

  let stored = join(read(KEY), takeAhead());

  /** Insert the text from before the page was reloaded in front of the text that is typed now. */
  function restore() {
    if (!stored || !input()) return;
    const { text, enters } = stored;
    stored = null;
    const ends = readEnters(input()).map((end) => end + text.length);
    input().value = text + input().value;
    writeEnters([...enters, ...ends]);
  }

  /** The offsets after which Enter was pressed. */
  function readEnters({ dataset }) {
    return (dataset.enters ?? "").split(" ").filter(Boolean).map(Number);
  }

  function writeEnters(offsets) {
    if (offsets.length) input().dataset.enters = offsets.join(" ");
  }

  function save() {
    restore();
    if (!input()) return;
    const value = JSON.stringify({ text: input().value, enters: readEnters(input()) });
    withStorage((storage) => storage.setItem(KEY, value));
  }

  function enter() {
    if (!input().value.trim()) return;
    input().setRangeText("\n", input().value.length, input().value.length, "end");
    writeEnters([...readEnters(input()), input().value.length]);
    save();
  }

  function showFailure() {
    if (document.readyState === "loading") return document.addEventListener("DOMContentLoaded", showFailure, { signal });
    pill().querySelector("span").textContent = pill().dataset.failed;
    pill().querySelector("button").hidden = false;
    pill().querySelector("button").onclick = () => location.reload();
    pill().hidden = false;
    listen("online", () => location.reload());
  }

  const limit = setTimeout(showFailure, LOAD_TIMEOUT);
  document.addEventListener("readystatechange", restore, { signal });
  listen("error", ({ target }) => target.matches?.("script[type=module][src*='/chat/js/']") && showFailure());
  listen("input", ({ target }) => target === input() && save());
  listen("pagehide", save);
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
    takeover.abort();
    clearTimeout(limit);
    pill().hidden = true;
    withStorage((storage) => storage.removeItem(KEY));
  });
}
