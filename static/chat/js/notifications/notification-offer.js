/** Offer to turn notifications on: once in a browser, after the first mention. */

import { gettext } from "../../../base/js/i18n.js";
import { withStorage } from "../../../base/js/storage.js";
import { permission, permissionText, requestPermission } from "./notification-permission.js";

const KEY = "lobby.offered-notifications";

export class NotificationOffer {
  #element;
  #text;
  #accept;
  #dismiss;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
    this.#text = element.querySelector("p");
    [this.#accept, this.#dismiss] = element.querySelectorAll("button");
    this.#accept.addEventListener("click", () => this.#turnOn());
    this.#dismiss.addEventListener("click", () => this.#close());
    addEventListener("storage", ({ key }) => key === KEY && (element.hidden = true)); // another tab has the answer
  }

  /** The person was mentioned. */
  show() {
    if (permission() !== "default" || withStorage((storage) => storage.getItem(KEY)) !== null) return;
    this.#element.hidden = false;
    this.#text.textContent = gettext("You were mentioned. Get a notification next time?");
  }

  async #turnOn() {
    remember();
    await requestPermission();
    if (permission() === "granted") return this.#close();
    this.#text.textContent = permissionText();
    this.#accept.hidden = true;
    this.#dismiss.textContent = gettext("Close");
  }

  #close() {
    remember();
    this.#element.hidden = true;
    document.getElementById("chat-message-input").focus();
  }
}

function remember() {
  withStorage((storage) => storage.setItem(KEY, ""));
}
