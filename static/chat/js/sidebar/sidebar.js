/** Sidebar: the person's rooms, and a search field for all rooms. In narrow windows it is a drawer. */

import { hasCommandModifier } from "../../../base/js/shortcut-keys.js";
import { RoomSearch } from "./room-search.js";
import { typeAhead } from "./type-ahead.js";

export class Sidebar {
  #sidebar;
  #input;
  #search;
  #focusComposer;

  /**
   * @param {HTMLElement} sidebar
   * @param {HTMLElement} list of rooms in it
   * @param {string} here the name of this page's room
   * @param {() => void} focusComposer
   */
  constructor(sidebar, list, here, focusComposer) {
    this.#sidebar = sidebar;
    this.#focusComposer = focusComposer;
    this.#input = sidebar.querySelector("input");
    this.#search = new RoomSearch(this.#input, list, { here });
    this.#input.addEventListener("keydown", (event) => this.#keyPressed(event));
    document.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "k" || !hasCommandModifier(event) || event.shiftKey) return;
      event.preventDefault();
      this.#open();
    });
  }

  /** Load the list again. */
  refresh() {
    this.#search.refresh();
  }

  #open() {
    document.querySelector("dialog[open]")?.close(); // a modal dialog keeps the focus
    if (!this.#sidebar.checkVisibility()) this.#sidebar.showPopover();
    this.#input.focus();
    this.#input.select();
  }

  #keyPressed(event) {
    // 229: Safari ends the composition before it dispatches the Enter that ended it.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") return this.#cancel();
    if (event.key !== "Enter") return;
    event.preventDefault();
    const name = this.#input.value.trim();
    if (!name) return;
    location.assign(addressOf(name));
    typeAhead(this.#input);
  }

  /** Clear the search. The browser closes a drawer by itself, and restores the focus. */
  #cancel() {
    this.#search.clear();
    if (!this.#sidebar.matches(":popover-open")) this.#focusComposer();
  }
}

/** The address of a room. For a name that URLs cannot contain (lone surrogates, `..`) the index, which shows the error. */
function addressOf(name) {
  if (/^\.\.?$|\p{Surrogate}/u.test(name)) return `/chat/?${new URLSearchParams({ room: name })}`;
  return `/chat/${encodeURIComponent(name)}/`;
}
