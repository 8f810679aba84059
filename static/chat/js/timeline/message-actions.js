/** Actions on a message, by pointer, touch and keyboard. All messages together are one tab stop. */

import { hasModifier } from "../../../base/js/shortcut-keys.js";

const NEXT = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" };

/** How far the tools stand out above or below their message, as in message-actions.css (pixels). */
const OVERHANG = { mouse: 20, touch: 48 };

const touch = matchMedia("(pointer: coarse)");

export class MessageActions {
  #log;
  #scroller;
  #actions;
  #focusComposer;
  /** @type {HTMLElement | null} the message that is the tab stop */
  #current = null;

  /**
   * @param {import("./chat-log.js").ChatLog} log
   * @param {HTMLElement} scroller of the log
   * @param {Record<string, (message: import("./message-element.js").Message) => void>} actions by the buttons' names
   * @param {() => void} focusComposer
   */
  constructor(log, scroller, actions, focusComposer) {
    this.#log = log;
    this.#scroller = scroller;
    this.#actions = actions;
    this.#focusComposer = focusComposer;
    log.addEventListener("click", ({ target }) => this.#clicked(target));
    log.addEventListener("focusin", ({ target }) => this.#setTabStop(target.closest(".message")));
    for (const type of ["focusin", "pointerover"]) {
      log.addEventListener(type, ({ target }) => this.#placeTools(target.closest(".message")));
    }
    log.addEventListener("keydown", (event) => this.#keyPressed(event));
    new MutationObserver(() => this.#followNewest()).observe(log, { childList: true, subtree: true });
    this.#followNewest();
  }

  #clicked(target) {
    const button = target.closest(".message__action");
    if (button) this.#actions[button.dataset.action](this.#log.message(button.closest(".message")));
  }

  /** Make the newest message the tab stop, unless the focus is in the messages. */
  #followNewest() {
    if (this.#current?.isConnected && this.#log.contains(document.activeElement)) return;
    this.#setTabStop(this.#log.querySelector(".message:last-child"));
  }

  #setTabStop(item) {
    if (this.#current) this.#current.tabIndex = -1;
    if (item) item.tabIndex = 0;
    this.#current = item;
  }

  /** Show the tools above a message; below it at the top of the view, or within it if neither end has room. */
  #placeTools(item) {
    if (!item) return;
    const overhang = touch.matches ? OVERHANG.touch : OVERHANG.mouse;
    const [{ top, bottom }, view] = [item, this.#scroller].map((each) => each.getBoundingClientRect());
    const isCut = top - overhang < view.top;
    const fitsBelow = bottom + overhang <= view.bottom;
    const tools = item.querySelector(".message__actions");
    tools.classList.toggle("message__actions--below", isCut && fitsBelow);
    tools.style.insetBlockStart = isCut && !fitsBelow ? `${Math.max(0, view.top - top)}px` : "";
  }

  #keyPressed(event) {
    const item = event.target.closest(".message");
    if (!item || hasModifier(event)) return;
    if (event.key === "Escape") return this.#focusComposer();
    const isOurs = event.target === item || event.target.matches(".message__action");
    if (!isOurs || !(event.key in NEXT)) return;
    event.preventDefault();
    this.#moveFocus(item, NEXT[event.key]);
  }

  #moveFocus(item, direction) {
    let next = item[direction];
    while (next && !next.matches(".message:not(.message--merged)")) next = next[direction];
    if (!next) return direction === NEXT.ArrowDown && this.#focusComposer();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    this.#placeTools(next);
  }
}
