/**
 * Input buffer of the composer until its module has loaded: a line break marks each press of Enter, and the module then
 * sends the text before it. The browser's storage keeps the text for the room's next page of this person, and that takes it
 * once this page is left. If a script fails to load, the page says so. This is a classic script: modules run only after the
 * page has been parsed, and may fail to load. See early-text.js, too.
 */
{
  const LOAD_TIMEOUT = 30_000; // milliseconds

  /** After this time a text is taken although its page was not closed properly: the browser was killed (milliseconds). */
  const OPEN_TIME = 86_400_000;

  const { you, key } = JSON.parse(document.getElementById("room-data").textContent);
  const KEY = `${prefixOf(you.id)}${String(Date.now()).padStart(13, "0")}-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const takeover = new AbortController();
  const { signal } = takeover;
  const input = () => document.getElementById("chat-message-input");
  const pill = () => document.getElementById("state");
  const listen = (type, listener) => addEventListener(type, listener, { capture: true, signal });

  let isComposing = false;
  let isSaved = true;
  let hasFailed = false;

  /** All spellings of a room's name share one prefix: see early-text.js, which this script cannot import. */
  function prefixOf(person) {
    const spaced = key.normalize("NFKC").trim().split(/\s+/).join(" ");
    const folded = spaced.toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ").normalize("NFKC");
    return `lobby.early.${person}.${folded}.`;
  }

  /** Use the browser's storage, unless it is blocked or full: see storage.js. */
  function withStorage(action, kind = "localStorage") {
    try {
      return action(window[kind]);
    } catch {
      return null;
    }
  }

  /** Take the texts that were written for this room on pages that are left. */
  function takeLeft(person, kind) {
    const prefix = prefixOf(person);
    const keys = withStorage((storage) => Object.keys(storage), kind) ?? [];
    const found = keys.filter((key) => key.startsWith(prefix) && /^\d{13}-\d+$/.test(key.slice(prefix.length)));
    return found.sort().map((key) => take(key, kind)).filter(Boolean);
  }

  function take(key, kind) {
    const entry = withStorage((storage) => JSON.parse(storage.getItem(key)), kind);
    if (Date.now() - entry?.at < OPEN_TIME) return null;
    withStorage((storage) => storage.removeItem(key), kind);
    return typeof entry?.text === "string" && Array.isArray(entry.enters) ? entry : null;
  }

  function join(one, other) {
    const enters = [...one.enters, ...other.enters.map((end) => end + one.text.length)];
    return { text: one.text + other.text, enters };
  }

  /** @returns {boolean} whether it is stored */
  function store(typed, at) {
    const write = (storage) => {
      storage.setItem(KEY, JSON.stringify({ ...typed, at }));
      if (!typed.text) storage.removeItem(KEY);
      return true;
    };
    return withStorage(write) === true;
  }

  /** What was written before, in the order of writing. A person who is new here has typed ahead as nobody. */
  const left = [...takeLeft(0, "sessionStorage"), ...takeLeft(you.id, "localStorage")];
  let stored = left.length ? left.reduce(join) : null;
  if (stored) store(stored, Date.now());

  /** Insert the text from before in front of the text that is typed now, unless an input method is composing that. */
  function restore() {
    if (!stored || !input() || isComposing) return;
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
    if (!input() || stored) return;
    isSaved = store({ text: input().value, enters: readEnters(input()) }, Date.now());
    if (hasFailed) showFailure();
  }

  /** From now on the room's next page may take the text. */
  function leave() {
    const entry = withStorage((storage) => JSON.parse(storage.getItem(KEY)));
    if (entry) store(entry, 0);
  }

  function compose(isBegun) {
    isComposing = isBegun;
    input().toggleAttribute("data-composing", isBegun); // for composer.js
    if (!isBegun) save();
  }

  function enter() {
    if (!input().value.trim()) return;
    input().setRangeText("\n", input().value.length, input().value.length, "end");
    writeEnters([...readEnters(input()), input().value.length]);
    save();
  }

  function fail() {
    if (document.readyState === "loading") return document.addEventListener("DOMContentLoaded", fail, { signal });
    if (hasFailed) return;
    hasFailed = true;
    save();
    listen("online", () => location.reload());
  }

  function showFailure() {
    pill().querySelector("span").textContent = isSaved ? pill().dataset.failed : pill().dataset.unsaved;
    pill().querySelector("button").hidden = false;
    pill().querySelector("button").onclick = () => location.reload();
    pill().hidden = false;
  }

  const limit = setTimeout(fail, LOAD_TIMEOUT);
  document.addEventListener("readystatechange", restore, { signal });
  listen("error", ({ target }) => target.matches?.("script[type=module][src*='/chat/js/']") && fail());
  listen("input", ({ target }) => target === input() && save());
  listen("compositionstart", ({ target }) => target === input() && compose(true));
  listen("compositionend", ({ target }) => target === input() && compose(false));
  listen("pagehide", leave);
  listen("pageshow", ({ persisted }) => persisted && location.reload()); // another page may have taken the text
  listen("beforeunload", (event) => !isSaved && input().value && event.preventDefault());
  listen("submit", (event) => {
    if (event.target.id !== "composer") return;
    event.preventDefault();
    enter();
    input().focus();
  });
  listen("keydown", (event) => { // as in input-method.js, which is a module
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
