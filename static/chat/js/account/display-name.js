/**
 * The person's own display name, edited in place: a click opens an input, and Enter saves. Escape and leaving the input do
 * not: they offer to save what was typed. Below the name are links to the account.
 */

import { isolate, showSentence } from "../../../base/js/bidi.js";
import { gettext } from "../../../base/js/i18n.js";
import { errorText, postForm } from "../../../base/js/form-post.js";
import { isOfInputMethod } from "../../../base/js/input-method.js";
import { DOUBLE_PRESS_TIME } from "../../../base/js/key-repeat.js";
import { renderAvatar } from "../presence/avatar.js";

/** How long a result is shown, and the offer to save a name (milliseconds). */
const NOTICE_TIME = 20_000;

export class DisplayName {
  #form;
  #button;
  #input;
  #error;
  #status;
  #offer;
  #typed = ""; // the name that is offered
  #timer = 0;
  #person;
  #isSaving = false;
  #closedAt = -Infinity;

  /**
   * @param {HTMLFormElement} form
   * @param {{id: number, name: string, guest: boolean}} person whose `name` and `guest` are kept up to date
   */
  constructor(form, person) {
    this.#form = form;
    this.#button = form.querySelector(".display-name__button");
    this.#input = form.querySelector(".display-name__input");
    this.#error = form.querySelector(".display-name__error");
    this.#status = form.querySelector(".display-name__status");
    this.#offer = form.querySelector(".display-name__offer");
    this.#person = person;
    this.#button.addEventListener("click", ({ detail }) => {
      const isSecondEnter = detail === 0 && performance.now() - this.#closedAt < DOUBLE_PRESS_TIME;
      if (!isSecondEnter) this.#open();
    });
    this.#input.addEventListener("keydown", (event) => this.#keyPressed(event));
    this.#input.addEventListener("blur", () => {
      const isOfWindow = document.activeElement === this.#input;
      if (!isOfWindow) this.#leave();
    });
    this.#offer.addEventListener("click", () => this.#takeOffer());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    this.setName(person.name);
  }

  /** @param {string} name as the server has it */
  setName(name) {
    this.#person.name = name;
    this.#button.querySelector(".display-name__text").textContent = name;
    renderAvatar(this.#form.querySelector(".avatar"), this.#person);
  }

  /** @param {boolean} isGuest as the server has it: the person may have signed up in another tab */
  setGuest(isGuest) {
    this.#person.guest = isGuest;
    const links = [...this.#form.querySelectorAll(".display-name__account")];
    const entries = [...document.querySelectorAll("#account-menu :is([data-guest], [data-account])")];
    for (const each of /** @type {HTMLElement[]} */ ([...links, ...entries])) {
      each.hidden = isGuest !== ("guest" in each.dataset);
    }
  }

  /** @param {string} address of the open room: the account's pages and forms lead back to it */
  setReturnAddress(address) {
    for (const each of document.querySelectorAll("[data-return]")) {
      if (each instanceof HTMLInputElement) each.value = address;
      else each.search = new URLSearchParams({ next: address });
    }
  }

  #open() {
    this.#showStatus("");
    this.#button.hidden = true;
    this.#input.hidden = false;
    this.#input.value = this.#person.name;
    this.#input.select();
    this.#input.focus();
  }

  #close() {
    const isFocused = document.activeElement === this.#input;
    this.#showError("");
    this.#button.hidden = false;
    this.#input.hidden = true;
    if (isFocused) this.#button.focus();
    this.#closedAt = performance.now();
  }

  #showError(problem) {
    this.#error.textContent = problem;
    this.#error.hidden = !problem;
    this.#input.ariaInvalid = String(Boolean(problem));
  }

  /**
   * @param {string} text
   * @param {string} [typed] a name that can be saved
   */
  #showStatus(text, typed = "") {
    clearTimeout(this.#timer);
    this.#typed = typed;
    this.#status.textContent = text;
    showSentence(this.#offer, typed && gettext("Save “{name}”", { name: isolate(typed) }));
    this.#offer.hidden = !typed;
    if (text) this.#timer = setTimeout(() => this.#showStatus(""), NOTICE_TIME);
  }

  #keyPressed(event) {
    if (event.key !== "Escape" || isOfInputMethod(event)) return;
    event.preventDefault(); // the drawer around it stays open
    this.#leave();
  }

  #leave() {
    if (this.#input.hidden || this.#isSaving) return;
    const typed = this.#input.value.trim();
    const isRefused = !this.#error.hidden;
    this.#close();
    if (typed && typed !== this.#person.name && !isRefused) this.#showStatus(gettext("Name not changed"), typed);
  }

  #takeOffer() {
    const typed = this.#typed;
    this.#open();
    this.#input.value = typed;
    this.#save();
  }

  async #save() {
    if (this.#input.hidden || this.#isSaving) return;
    const name = this.#input.value.trim();
    if (!name || name === this.#person.name) return this.#close();
    this.#isSaving = true;
    const problem = await this.#post();
    this.#isSaving = false;
    if (problem) return this.#showError(problem);
    this.#close();
    this.#showStatus(gettext("Name updated"));
  }

  /** @returns {Promise<string | undefined>} the error, if there is one */
  async #post() {
    try {
      const response = await postForm(this.#form.action, this.#form);
      const answer = await response.json();
      if (!response.ok) return answer.error.detail;
      this.setName(answer.name);
    } catch (error) {
      return errorText(error, gettext("Couldn't change your name. Try again in a moment."));
    }
  }
}
