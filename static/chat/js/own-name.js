/**
 * The visitor's own name, which a click turns into an input: Enter keeps the new one, Escape the old.
 * Below it is the way to the visitor's account.
 */

import { gettext } from "../../base/js/i18n.js";
import { post, reasonOf } from "../../base/js/post.js";
import { SETTLE } from "../../base/js/presses.js";
import { paintAvatar } from "./avatar.js";

export class OwnName {
  #form;
  #show;
  #input;
  #error;
  #person;
  #isSaving = false;
  #closedAt = -Infinity;

  /**
   * @param {HTMLFormElement} form
   * @param {{id: number, name: string, guest: boolean}} person whose `name` and `guest` follow every change
   */
  constructor(form, person) {
    this.#form = form;
    this.#show = form.querySelector(".own-name__show");
    this.#input = form.querySelector(".own-name__input");
    this.#error = form.querySelector(".own-name__error");
    this.#person = person;
    this.#show.addEventListener("click", ({ detail }) => {
      const isSecondEnter = detail === 0 && performance.now() - this.#closedAt < SETTLE;
      if (!isSecondEnter) this.#open();
    });
    this.#input.addEventListener("keydown", (event) => this.#keyPressed(event));
    this.#input.addEventListener("blur", () => this.#save());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    this.tell(person.name);
  }

  /** @param {string} name as the server now has it */
  tell(name) {
    this.#person.name = name;
    this.#show.querySelector(".own-name__text").textContent = name;
    paintAvatar(this.#form.querySelector(".avatar"), this.#person);
  }

  /** @param {boolean} isGuest as the server now has it: the visitor may have signed up in another tab */
  tellGuest(isGuest) {
    this.#person.guest = isGuest;
    for (const link of this.#form.querySelectorAll(".own-name__account")) {
      link.hidden = isGuest !== ("guest" in link.dataset);
    }
  }

  #open() {
    this.#show.hidden = true;
    this.#input.hidden = false;
    this.#input.value = this.#person.name;
    this.#input.select();
    this.#input.focus();
  }

  #close() {
    const isFocused = document.activeElement === this.#input;
    this.#refuse("");
    this.#show.hidden = false;
    if (isFocused) this.#show.focus();
    this.#input.hidden = true;
    this.#closedAt = performance.now();
  }

  #refuse(problem) {
    this.#error.textContent = problem;
    this.#error.hidden = !problem;
    this.#input.ariaInvalid = String(Boolean(problem));
  }

  #keyPressed(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault(); // the drawer, in which it may be, stays open
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
    if (problem) this.#refuse(problem);
    else this.#close();
  }

  /** @returns {Promise<string | undefined>} what is wrong */
  async #post() {
    try {
      const response = await post(this.#form.action, this.#form);
      const answer = await response.json();
      if (!response.ok) return answer.error.detail;
      this.tell(answer.name);
    } catch (error) {
      return reasonOf(error, gettext("The name could not be changed. Try again in a moment."));
    }
  }
}
