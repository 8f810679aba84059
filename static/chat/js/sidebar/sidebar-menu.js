/** Menu of a room in the sidebar: stars, moves, mutes or leaves it (a private one on the page of its members). Each room of the person has a button that opens it. */

import { saveForm } from "../../../base/js/form-post.js";
import { gettext } from "../../../base/js/i18n.js";
import { placePopover } from "../../../base/js/place-popover.js";
import { listenForDrags, placeOf } from "./star-order.js";

/** Width of the menu, as in sidebar.css (pixels). */
const WIDTH = 160;

/** The last place among the starred rooms, of as many as there can be. */
export const MAX_STARRED = 50;

export class SidebarMenu {
  #list;
  #form = document.createElement("form");
  #star = makeButton("sidebar-menu__item");
  #up = makeButton("sidebar-menu__item", gettext("Move up"));
  #down = makeButton("sidebar-menu__item", gettext("Move down"));
  #mute = makeButton("sidebar-menu__item");
  #leave = makeButton("sidebar-menu__item", gettext("Leave room"));
  #status = document.createElement("p");
  #token = makeHidden("csrfmiddlewaretoken");
  #involvement = makeHidden("involvement");
  #place = makeHidden("place");
  #onChange;
  /** @type {HTMLAnchorElement | null} the room whose menu is open */
  #room = null;
  #isBusy = false; // a move is being saved
  #channel = new BroadcastChannel("lobby.involvement");

  /**
   * @param {HTMLElement} sidebar
   * @param {HTMLElement} list of rooms in it
   * @param {() => void} onChange called when the list is out of date
   */
  constructor(sidebar, list, onChange) {
    this.#list = list;
    this.#onChange = onChange;
    Object.assign(this.#form, { id: "sidebar-menu", className: "popup sidebar-menu", popover: "auto" });
    Object.assign(this.#status, { className: "sidebar-menu__status", role: "status", hidden: true });
    this.#form.append(this.#token, this.#involvement, this.#place);
    this.#form.append(this.#star, this.#up, this.#down, this.#mute, this.#leave, this.#status);
    sidebar.append(this.#form);
    this.#listChanged();
    new MutationObserver(() => this.#listChanged()).observe(list, { childList: true });
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("toggle", ({ newState }) => newState === "closed" && this.#restoreFocus());
    this.#star.addEventListener("click", () => this.#toggleStar());
    this.#up.addEventListener("click", () => this.#move(-1));
    this.#down.addEventListener("click", () => this.#move(1));
    this.#mute.addEventListener("click", () => this.#setInvolvement());
    this.#leave.addEventListener("click", () => this.#leaveRoom());
    this.#channel.addEventListener("message", onChange);
    listenForDrags(list, (room) => this.#saveStar(room, placeOf(room)), onChange);
  }

  /** Give each room its button, and find the menu's room again. */
  #listChanged() {
    for (const room of this.#list.querySelectorAll("li > a[data-involvement]:only-child")) {
      const button = makeButton("sidebar__more", "⋯");
      button.ariaLabel = gettext("Options for {room}", { room: room.dataset.title ?? room.dataset.room });
      button.setAttribute("popovertarget", this.#form.id);
      button.addEventListener("click", () => this.#prepare(room, button));
      room.after(button);
    }
    this.#room = findOwnRoom(this.#list, this.#room?.dataset.room) ?? this.#room;
    if (this.#form.matches(":popover-open")) this.#showChoices();
  }

  /** Fill in the menu before the button opens it, below the button or above. */
  #prepare(room, button) {
    this.#room = room;
    this.#showStatus("");
    this.#showChoices();
    const beside = button.getBoundingClientRect();
    placePopover(this.#form, beside, beside.right - WIDTH);
  }

  /** The browser has focused the button that opened the menu, unless there is a new list by now. */
  #restoreFocus() {
    const button = /** @type {HTMLElement} */ (this.#room.nextElementSibling);
    const { activeElement } = document; // until the next frame, it may be in the menu that has closed
    if (activeElement === document.body || this.#form.contains(activeElement)) button?.focus();
  }

  #showChoices() {
    const { involvement, star, title } = this.#room.dataset;
    this.#leave.hidden = Boolean(title); // a private room
    const isStarred = Number(star) > 0;
    this.#star.textContent = isStarred ? gettext("Remove star") : gettext("Star");
    this.#mute.textContent = involvement === "none" ? gettext("Unmute") : gettext("Mute");
    this.#up.hidden = this.#down.hidden = !isStarred;
    this.#up.ariaDisabled = String(!this.#neighbour(-1));
    this.#down.ariaDisabled = String(!this.#neighbour(1));
  }

  async #setInvolvement() {
    const address = `${this.#room.getAttribute("href")}involvement/`;
    const involvement = this.#room.dataset.involvement === "none" ? "mentions" : "none";
    this.#involvement.value = involvement;
    if (await this.#post(address)) this.#changed({ address, involvement });
  }

  async #leaveRoom() {
    const isHere = this.#room.matches("[aria-current]");
    if (!(await this.#post(`${this.#room.getAttribute("href")}leave/`))) return;
    this.#changed({});
    if (isHere) location.assign("/chat/");
  }

  async #toggleStar() {
    const isStarred = Number(this.#room.dataset.star) > 0;
    if (await this.#saveStar(this.#room, isStarred ? 0 : MAX_STARRED)) this.#form.hidePopover();
  }

  /** @returns {Element | null} the starred room before (-1) or after (1) the menu's */
  #neighbour(step) {
    const item = this.#room.closest(".sidebar__starred li");
    return item && (step < 0 ? item.previousElementSibling : item.nextElementSibling);
  }

  /** Move the room by a place, at once. The menu stays open. */
  async #move(step) {
    const neighbour = this.#neighbour(step);
    if (!neighbour || this.#isBusy) return;
    neighbour[step < 0 ? "before" : "after"](this.#room.closest("li"));
    this.#showChoices();
    this.#isBusy = true;
    if (await this.#saveStar(this.#room, placeOf(this.#room))) {
      this.#showStatus(gettext("Place {place} of the starred rooms", { place: placeOf(this.#room) }));
    }
    this.#isBusy = false;
  }

  /**
   * @param {HTMLAnchorElement} room
   * @param {number} place among the starred rooms; 0 removes the star
   * @returns {Promise<boolean>} whether it was saved
   */
  async #saveStar(room, place) {
    Object.assign(this.#place, { value: String(place), disabled: place === 0 });
    const isSaved = await this.#post(`${room.getAttribute("href")}star/`);
    if (isSaved) this.#channel.postMessage({});
    this.#onChange();
    return isSaved;
  }

  /** @returns {Promise<boolean>} whether it was saved */
  async #post(address) {
    this.#token.value = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
    const problem = await saveForm(address, this.#form);
    this.#showStatus(problem, true);
    return !problem;
  }

  #showStatus(text, isProblem = false) {
    this.#status.hidden = !text;
    this.#status.textContent = text;
    this.#status.classList.toggle("sidebar-menu__status--problem", isProblem);
  }

  /** Tell the other tabs, and the notification settings of an open room. */
  #changed(change) {
    this.#form.hidePopover();
    this.#channel.postMessage(change);
    this.#onChange();
  }
}

/**
 * @param {HTMLElement} list of rooms
 * @param {string} [name]
 * @returns {HTMLAnchorElement | undefined} the link of one of the person's rooms
 */
export function findOwnRoom(list, name) {
  return [...list.querySelectorAll("a[data-involvement]")].find(({ dataset }) => dataset.room === name);
}

function makeButton(className, textContent = "") {
  return Object.assign(document.createElement("button"), { type: "button", className, textContent });
}

function makeHidden(name) {
  return Object.assign(document.createElement("input"), { type: "hidden", name });
}
