/** Notification settings of a room, and of the sound. Choosing one, or a button, asks the browser for permission. */

import { saveForm } from "../../../base/js/form-post.js";
import { permission, permissionText, requestPermission, watchPermission } from "./notification-permission.js";
import { isSoundOn, setSoundOn } from "./notification-sound.js";

export class NotificationSettings {
  #form;
  #icon;
  #turnOn;
  #room;
  /** @type {string} as the server has it */
  #involvement;
  #isSaving = false;
  #channel = new BroadcastChannel("lobby.involvement");

  /**
   * @param {HTMLFormElement} form
   * @param {SVGUseElement} icon of the button that opens the form
   * @param {string} room its key
   * @param {string} involvement all, mentions or none
   * @param {AbortSignal} signal aborted when the room is left
   */
  constructor(form, icon, room, involvement, signal) {
    this.#form = form;
    this.#icon = icon;
    this.#room = room;
    this.#show(involvement);
    form.addEventListener("change", ({ target }) => this.#changed(target));
    form.addEventListener("toggle", ({ newState }) => newState === "open" && this.#showPermission());
    this.#turnOn = form.querySelector(".notification-settings__turn-on");
    this.#turnOn.addEventListener("click", async () => {
      await requestPermission();
      this.#showPermission();
    });
    watchPermission(() => this.#showPermission(), signal);
    const sound = form.querySelector("#notification-sound");
    sound.checked = isSoundOn();
    const address = form.getAttribute("action");
    const changed = ({ data }) => {
      if (data.room === this.#room || data.address === address) this.#show(data.involvement);
    };
    this.#channel.addEventListener("message", changed, { signal });
  }

  /** @returns {string} as the server has it */
  get involvement() {
    return this.#involvement;
  }

  /** Another device may have changed the level. @param {{involvement: string}} [unread] counts of the room; "" once it is left */
  receive(unread) {
    this.#learn(unread?.involvement);
  }

  /** Load the level again: a page that the browser has stored may have an old one. */
  async refresh() {
    const response = await fetch(this.#form.action).catch(() => {});
    if (response?.ok) this.#learn((await response.json()).involvement);
  }

  /** The server tells the level. While another one is being saved, it may be that of before. @param {string} [involvement] */
  #learn(involvement) {
    if (involvement && !this.#isSaving) this.#show(involvement);
  }

  #show(involvement) {
    this.#involvement = involvement;
    this.#form.elements.involvement.value = involvement;
    this.#icon.setAttribute("href", involvement === "none" ? "#bell-off" : "#bell");
  }

  #changed(input) {
    if (input.type === "checkbox") return setSoundOn(input.checked);
    this.#setInvolvement(input.value);
  }

  async #setInvolvement(involvement) {
    this.#isSaving = true;
    const saving = saveForm(this.#form.action, this.#form).finally(() => (this.#isSaving = false));
    const [problem] = await Promise.all([saving, involvement === "none" || requestPermission()]);
    this.#show(problem ? this.#involvement : involvement);
    if (problem) return this.#showStatus(problem);
    this.#channel.postMessage({ room: this.#room, involvement });
    this.#showPermission();
  }

  #showPermission() {
    const isWanted = this.#involvement !== "none";
    this.#showStatus(isWanted ? permissionText() : "");
    this.#turnOn.hidden = !isWanted || permission() !== "default";
  }

  #showStatus(text) {
    const status = this.#form.querySelector("[role=status]");
    status.textContent = text;
    status.hidden = !text;
  }
}
