/**
 * The visitor's own name, which a click turns into an input: Enter keeps the new one, Escape the old.
 * Below it is the way to the visitor's account.
 */

import { paintAvatar } from "./avatar.js";

export class OwnName {
  #form;
  #show;
  #input;
  #more;
  #error;
  #person;

  /**
   * @param {HTMLFormElement} form
   * @param {{id: number, name: string}} person whose `name` follows every change
   */
  constructor(form, person) {
    this.#form = form;
    this.#show = form.querySelector("button");
    this.#input = form.querySelector(".own-name__input");
    this.#more = form.querySelector(".own-name__more");
    this.#error = form.querySelector(".own-name__error");
    this.#person = person;
    this.#show.addEventListener("click", () => this.#open());
    form.addEventListener("keydown", (event) => this.#keyPressed(event));
    form.addEventListener("focusout", ({ relatedTarget }) => form.contains(relatedTarget) || this.#save());
    this.#more.addEventListener("mousedown", (event) => event.preventDefault()); // or it would go before the click
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
    paintAvatar(this.#show.querySelector(".avatar"), this.#person);
  }

  #open() {
    this.#show.hidden = true;
    this.#input.hidden = this.#more.hidden = false;
    this.#input.value = this.#person.name;
    this.#input.select();
    this.#input.focus();
  }

  #close() {
    this.#input.hidden = this.#more.hidden = this.#error.hidden = true;
    this.#show.hidden = false;
  }

  #keyPressed(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    this.#close();
    this.#show.focus();
  }

  async #save() {
    if (this.#input.hidden) return;
    const name = this.#input.value.trim();
    if (!name || name === this.#person.name) return this.#close();
    const problem = await this.#post();
    if (problem) {
      this.#error.textContent = problem;
      this.#error.hidden = false;
    } else {
      this.#close();
    }
  }

  /** @returns {Promise<string | undefined>} what is wrong */
  async #post() {
    try {
      const response = await fetch(this.#form.action, { method: "POST", body: new FormData(this.#form) });
      const answer = await response.json();
      if (!response.ok) return answer.error.detail;
      this.tell(answer.name);
    } catch {
      return "The name could not be changed. Try again in a moment.";
    }
  }
}
