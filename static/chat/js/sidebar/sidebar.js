/** Sidebar: the person's rooms, and a search field for all rooms. In narrow windows it is a drawer. */

import { isOfInputMethod } from "../../../base/js/input-method.js";
import { hasCommandModifier } from "../../../base/js/shortcut-keys.js";
import { listenForRoomKeys } from "./room-keys.js";
import { RoomSearch } from "./room-search.js";
import { SidebarMenu } from "./sidebar-menu.js";
import { pointToUnread } from "./unread-pointers.js";

export class Sidebar {
  #sidebar;
  #input;
  #search;
  #list;

  /**
   * @param {HTMLElement} sidebar
   * @param {HTMLElement} list of rooms in it
   * @param {string} here the name of the open room
   * @param {(address: string, typed: import("./type-ahead.js").Typed) => void} [open] opens a room, with what was typed for it
   */
  constructor(sidebar, list, here, open) {
    this.#sidebar = sidebar;
    this.#list = list;
    this.#input = sidebar.querySelector("input");
    this.#search = new RoomSearch(this.#input, list, { here }, open);
    this.#input.addEventListener("keydown", (event) => event.key === "Escape" && !isOfInputMethod(event) && this.#cancel());
    document.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "k" || !hasCommandModifier(event) || event.shiftKey) return;
      event.preventDefault();
      this.#show();
    });
    listenForRoomKeys(list);
    pointToUnread(list);
    new SidebarMenu(sidebar, list, () => this.refresh());
  }

  /**
   * Another room is open.
   * @param {string} here its name
   * @param {Element} [list] of rooms, as it came with the room's page
   */
  opened(here, list) {
    this.#search.query = { here };
    if (this.#sidebar.matches(":popover-open")) this.#sidebar.hidePopover();
    if (list) this.#search.reset(list);
    this.#list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    const link = [...this.#list.querySelectorAll("[data-room]")].find(({ dataset }) => dataset.room === here);
    link?.setAttribute("aria-current", "page");
    if (this.#input.value) this.#search.clear();
    else if (!link) this.refresh();
  }

  /** Load the list again. */
  refresh() {
    this.#search.refresh();
  }

  #show() {
    document.querySelector("dialog[open]")?.close(); // a modal dialog keeps the focus
    if (!this.#sidebar.checkVisibility()) this.#sidebar.showPopover();
    this.#input.focus();
    this.#input.select();
  }

  /** Clear the search. The browser closes a drawer by itself, and restores the focus. */
  #cancel() {
    this.#search.clear();
    if (!this.#sidebar.matches(":popover-open")) document.getElementById("chat-message-input")?.focus();
  }
}
