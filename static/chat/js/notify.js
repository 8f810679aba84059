/** What of this room somebody is notified of, and whether with a sound. The browser is asked when they choose. */

import { gettext } from "../../base/js/i18n.js";
import { post, reasonOf } from "../../base/js/post.js";
import { isLoud, setLoud } from "./sound.js";

/** What is said of the browser's answer. */
const SAID = {
  denied: gettext("This browser does not show notifications of this site. You can allow them in its settings."),
  none: gettext("This browser cannot show notifications here."),
  failed: gettext("That could not be saved. Try again in a moment."),
};

export class Notify {
  #form;
  #icon;
  #room;
  /** @type {string} as the server has it */
  #involvement;
  #tabs = new BroadcastChannel("lobby.involvement");

  /**
   * @param {HTMLFormElement} form
   * @param {SVGUseElement} icon of the button that opens it
   * @param {string} room its key
   * @param {string} involvement all, mentions or none
   */
  constructor(form, icon, room, involvement) {
    this.#form = form;
    this.#icon = icon;
    this.#room = room;
    this.#show(involvement);
    form.addEventListener("change", ({ target }) => this.#changed(target));
    form.addEventListener("toggle", ({ newState }) => newState === "open" && this.#sayWhatTheBrowserAllows());
    const sound = form.querySelector("#notify-sound");
    sound.checked = isLoud();
    this.#tabs.addEventListener("message", ({ data }) => data.room === this.#room && this.#show(data.involvement));
  }

  #show(involvement) {
    this.#involvement = involvement;
    this.#form.elements.involvement.value = involvement;
    this.#icon.setAttribute("href", involvement === "none" ? "#bell-off" : "#bell");
  }

  #changed(input) {
    if (input.type === "checkbox") return setLoud(input.checked);
    this.#choose(input.value);
  }

  async #choose(involvement) {
    const [problem] = await Promise.all([this.#save(), involvement === "none" || askTheBrowser()]);
    this.#show(problem ? this.#involvement : involvement);
    if (problem) return this.#say(problem);
    this.#tabs.postMessage({ room: this.#room, involvement });
    this.#sayWhatTheBrowserAllows();
  }

  /** @returns {Promise<string | undefined>} what is wrong */
  async #save() {
    try {
      const response = await post(this.#form.action, this.#form);
      if (!response.ok) return SAID.failed;
    } catch (error) {
      return reasonOf(error, SAID.failed);
    }
  }

  #sayWhatTheBrowserAllows() {
    const permission = "Notification" in window && navigator.serviceWorker ? Notification.permission : "none";
    this.#say(this.#involvement === "none" ? "" : (SAID[permission] ?? ""));
  }

  #say(text) {
    const place = this.#form.querySelector("[role=status]");
    place.textContent = text;
    place.hidden = !text;
  }
}

async function askTheBrowser() {
  if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
}
