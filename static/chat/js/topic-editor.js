/** The topic of a room, edited in its header by people who may change it: Enter saves it, Escape and leaving the input discard the change. */

import { saveForm } from "../../base/js/form-post.js";
import { gettext } from "../../base/js/i18n.js";
import { isOfInputMethod } from "../../base/js/input-method.js";

export class TopicEditor {
  #form;
  #button;
  #input;
  #status;
  #topic = "";
  #isSaving = false;

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.#form = form;
    this.#button = form.querySelector("button");
    this.#input = form.querySelector("input[name=topic]");
    this.#status = form.querySelector("[role=status]");
    this.#button.addEventListener("click", () => this.#open());
    this.#input.addEventListener("blur", () => document.activeElement !== this.#input && !this.#isSaving && this.#close());
    this.#input.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !isOfInputMethod(event)) this.#close();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
  }

  /** @param {string} topic as the server has it */
  show(topic) {
    this.#topic = topic;
    const label = topic || gettext("Add a topic");
    Object.assign(this.#button, { textContent: label, title: topic ? gettext("Edit topic") : "" });
  }

  #open() {
    this.#input.value = this.#input.defaultValue = this.#topic;
    this.#toggle(true);
    this.#input.focus();
    this.#input.select();
  }

  #close() {
    const isFocused = document.activeElement === this.#input;
    this.#toggle(false);
    if (isFocused) this.#button.focus();
  }

  #toggle(isOpen) {
    this.#showStatus("");
    this.#button.hidden = isOpen;
    this.#input.hidden = !isOpen;
  }

  /** Save the topic. `show` receives the new one through the room's log. */
  async #save() {
    if (this.#isSaving) return;
    if (this.#input.value.trim() === this.#input.defaultValue) return this.#close();
    this.#isSaving = true;
    const problem = await saveForm(this.#form.action, this.#form);
    this.#isSaving = false;
    if (problem) this.#showStatus(problem);
    else this.#close();
  }

  #showStatus(text) {
    Object.assign(this.#status, { textContent: text, hidden: !text });
  }
}
