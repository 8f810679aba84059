/** What can be done with a message, by pointer, touch and keys. The messages are one stop for the Tab key. */

const NEXT = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" };

export class MessageTools {
  #log;
  #actions;
  #leave;
  /** @type {HTMLElement | null} the message that the Tab key leads to */
  #current = null;

  /**
   * @param {import("./chat-log.js").ChatLog} log
   * @param {Record<string, (message: import("./message.js").Message) => void>} actions by the name of their tool
   * @param {() => void} leave go where one writes
   */
  constructor(log, actions, leave) {
    this.#log = log;
    this.#actions = actions;
    this.#leave = leave;
    log.addEventListener("click", ({ target }) => this.#clicked(target));
    log.addEventListener("focusin", ({ target }) => this.#lead(target.closest(".message")));
    log.addEventListener("keydown", (event) => this.#keyPressed(event));
    new MutationObserver(() => this.#follow()).observe(log, { childList: true, subtree: true });
    this.#follow();
  }

  #clicked(target) {
    const tool = target.closest(".message__tool");
    if (tool) this.#actions[tool.dataset.tool](this.#log.message(tool.closest(".message")));
  }

  /** As long as nobody goes through the messages, the Tab key leads to the newest. */
  #follow() {
    if (this.#current?.isConnected && this.#log.contains(document.activeElement)) return;
    this.#lead(this.#log.querySelector(".message:last-child"));
  }

  #lead(item) {
    if (this.#current) this.#current.tabIndex = -1;
    if (item) item.tabIndex = 0;
    this.#current = item;
  }

  #keyPressed(event) {
    const item = event.target.closest(".message");
    if (!item || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === "Escape") return this.#leave();
    const isOurs = event.target === item || event.target.matches(".message__tool");
    if (!isOurs || !(event.key in NEXT)) return;
    event.preventDefault();
    this.#go(item, NEXT[event.key]);
  }

  #go(item, direction) {
    let next = item[direction];
    while (next && !next.matches(".message")) next = next[direction];
    if (!next) return direction === NEXT.ArrowDown && this.#leave();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }
}
