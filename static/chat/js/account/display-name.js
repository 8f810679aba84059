/**
 * The person's own display name, edited in place: a click opens an input, Enter saves, Escape cancels. Below it is a link
 * to the account.
 */

import { gettext } from "../../../base/js/i18n.js";
import { errorText, postForm } from "../../../base/js/form-post.js";
import { DOUBLE_PRESS_TIME } from "../../../base/js/key-repeat.js";
import { renderAvatar } from "../presence/avatar.js";

export class DisplayName {
  #form;
  #button;
  #input;
  #error;
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
    this.#person = person;
    this.#button.addEventListener("click", ({ detail }) => {
      const isSecondEnter = detail === 0 && performance.now() - this.#closedAt < DOUBLE_PRESS_TIME;
      if (!isSecondEnter) this.#open();
    });
    this.#input.addEventListener("keydown", (event) => this.#keyPressed(event));
    this.#input.addEventListener("blur", () => this.#save());
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
    for (const link of this.#form.querySelectorAll(".display-name__account")) {
      link.hidden = isGuest !== ("guest" in link.dataset);
    }
  }

  #open() {
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
    if (isFocused) this.#button.focus();
    this.#input.hidden = true;
    this.#closedAt = performance.now();
  }

  #showError(problem) {
    this.#error.textContent = problem;
    this.#error.hidden = !problem;
    this.#input.ariaInvalid = String(Boolean(problem));
  }

  #keyPressed(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault(); // the drawer around it stays open
    this.#input.value = this.#person.name;
    this.#close();
  }

  async #save() {
    if (this.#input.hidden || this.#isSaving) return;
    const name = this.#input.value.trim();
    if (!name || name === this.#person.name) return this.#close();
    this.#isSaving = true;
    const problem = await this.#post();
    this.#isSaving = false;
    if (problem) this.#showError(problem);
    else this.#close();
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
