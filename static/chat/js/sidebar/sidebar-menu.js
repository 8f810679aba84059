/** Menu of a room in the sidebar: mutes the room, or leaves it. Each room of the person has a button that opens it. */

import { errorText, postForm } from "../../../base/js/form-post.js";
import { gettext } from "../../../base/js/i18n.js";

const FAILED = gettext("Couldn't save. Try again in a moment.");

export class SidebarMenu {
  #list;
  #form = document.createElement("form");
  #mute = makeButton("sidebar-menu__item");
  #leave = makeButton("sidebar-menu__item", gettext("Leave room"));
  #status = document.createElement("p");
  #token = makeHidden("csrfmiddlewaretoken");
  #involvement = makeHidden("involvement");
  #onChange;
  /** @type {HTMLAnchorElement | null} the room whose menu is open */
  #room = null;
  #channel = new BroadcastChannel("lobby.involvement");

  /**
   * @param {HTMLElement} sidebar
   * @param {HTMLElement} list of rooms in it
   * @param {() => void} onChange called when the list is out of date
   */
  constructor(sidebar, list, onChange) {
    this.#list = list;
    this.#onChange = onChange;
    Object.assign(this.#form, { id: "sidebar-menu", className: "sidebar-menu", popover: "auto" });
    Object.assign(this.#status, { className: "sidebar-menu__status", role: "status", hidden: true });
    this.#form.append(this.#token, this.#involvement, this.#mute, this.#leave, this.#status);
    sidebar.append(this.#form);
    this.#addButtons();
    new MutationObserver(() => this.#addButtons()).observe(list, { childList: true });
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#mute.addEventListener("click", () => this.#setInvolvement());
    this.#leave.addEventListener("click", () => this.#leaveRoom());
    this.#channel.addEventListener("message", onChange);
  }

  #addButtons() {
    for (const room of this.#list.querySelectorAll("li > a[data-involvement]:only-child")) {
      const button = makeButton("sidebar__more", "⋯");
      button.ariaLabel = gettext("Options for {room}", { room: room.dataset.room });
      button.setAttribute("popovertarget", this.#form.id);
      button.addEventListener("click", () => this.#prepare(room, button));
      room.after(button);
    }
  }

  /** Fill in the menu before the button opens it. */
  #prepare(room, button) {
    this.#room = room;
    this.#status.hidden = true;
    this.#token.value = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
    const isMuted = room.dataset.involvement === "none";
    this.#involvement.value = isMuted ? "mentions" : "none";
    this.#mute.textContent = isMuted ? gettext("Unmute") : gettext("Mute");
    const { bottom, right } = button.getBoundingClientRect();
    this.#form.style.insetBlockStart = `${Math.min(bottom, innerHeight - 112)}px`;
    this.#form.style.insetInlineStart = `${Math.max(8, right - 160)}px`;
  }

  async #setInvolvement() {
    const address = `${this.#room.getAttribute("href")}involvement/`;
    const involvement = this.#involvement.value;
    if (await this.#post(address)) this.#changed({ address, involvement });
  }

  async #leaveRoom() {
    const isHere = this.#room.matches("[aria-current]");
    if (!(await this.#post(`${this.#room.getAttribute("href")}leave/`))) return;
    this.#changed({});
    if (isHere) location.assign("/chat/");
  }

  /** @returns {Promise<boolean>} whether it was saved */
  async #post(address) {
    const problem = await save(address, this.#form);
    this.#status.hidden = !problem;
    this.#status.textContent = problem;
    return !problem;
  }

  /** Tell the other tabs, and the notification settings of an open room. */
  #changed(change) {
    this.#form.hidePopover();
    this.#channel.postMessage(change);
    this.#onChange();
  }
}

/** @returns {Promise<string>} the error, if there is one */
async function save(address, form) {
  try {
    const response = await postForm(address, form);
    return response.ok ? "" : FAILED;
  } catch (error) {
    return errorText(error, FAILED);
  }
}

function makeButton(className, textContent = "") {
  return Object.assign(document.createElement("button"), { type: "button", className, textContent });
}

function makeHidden(name) {
  return Object.assign(document.createElement("input"), { type: "hidden", name });
}
