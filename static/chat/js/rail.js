/** The rail: one's rooms beside the one that one is in, and a field that finds all others. */

import { isCommand } from "../../base/js/keys.js";
import { Finder } from "./finder.js";

export class Rail {
  #rail;
  #input;
  #finder;
  #leave;

  /**
   * @param {HTMLElement} rail which is a drawer where it is not always in sight
   * @param {HTMLElement} list of the rooms in it
   * @param {string} here the name of the room that this is
   * @param {() => void} leave go where one writes
   */
  constructor(rail, list, here, leave) {
    this.#rail = rail;
    this.#leave = leave;
    this.#input = rail.querySelector("input");
    this.#finder = new Finder(this.#input, list, { here });
    this.#input.addEventListener("keydown", (event) => this.#keyPressed(event));
    document.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "k" || !isCommand(event) || event.shiftKey) return;
      event.preventDefault();
      this.#open();
    });
  }

  #open() {
    document.querySelector("dialog[open]")?.close(); // it lets nobody else have the focus
    if (!this.#rail.checkVisibility()) this.#rail.showPopover();
    this.#input.focus();
    this.#input.select();
  }

  #keyPressed(event) {
    // 229: Safari has ended the composition before it tells of the Enter that ended it.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") return this.#cancel();
    if (event.key !== "Enter") return;
    event.preventDefault();
    const name = this.#input.value.trim();
    if (name) location.assign(addressOf(name));
  }

  /** A drawer closes by itself, and gives the focus back. */
  #cancel() {
    this.#finder.clear();
    if (!this.#rail.matches(":popover-open")) this.#leave();
  }
}

/** The address of a room; of a name that no address can have (lone surrogates, `..`) the index, which says what is wrong. */
function addressOf(name) {
  if (/^\.\.?$|\p{Surrogate}/u.test(name)) return `/chat/?${new URLSearchParams({ room: name })}`;
  return `/chat/${encodeURIComponent(name)}/`;
}
