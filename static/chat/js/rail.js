/** The rail: one's rooms beside the one that one is in, and a field that finds all others. */

import { isCommand } from "../../base/js/keys.js";
import { Finder } from "./finder.js";

export class Rail {
  #rail;
  #input;
  #finder;

  /**
   * @param {HTMLElement} rail which is a drawer where it is not always in sight
   * @param {HTMLElement} list of the rooms in it
   * @param {string} here the name of the room that this is
   */
  constructor(rail, list, here) {
    this.#rail = rail;
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
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (this.#input.value.trim()) this.#go(this.#input.value.trim());
  }

  /** To the first room that is found, or to the one of that name, which is opened. */
  async #go(name) {
    const found = await this.#finder.first();
    location.assign(found?.href ?? `/chat/${encodeURIComponent(name)}/`);
  }
}
