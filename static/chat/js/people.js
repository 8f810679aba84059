/** Who is in the room now. */

import { gettext, language, ngettext, numeral } from "../../base/js/i18n.js";
import { paintAvatar } from "./avatar.js";

/** @typedef {{id: number, name: string, guest: boolean, staff?: boolean}} Person */

const order = new Intl.Collator(language);

export class People {
  #here;
  #you;
  #onRename;
  /** @type {Map<number, Person>} */
  #people = new Map();
  #count = 0;

  /**
   * @param {HTMLElement} here the line that says how many there are
   * @param {{id: number}} you
   * @param {(name: string) => void} onRename told what you are called, whichever tab has changed it
   */
  constructor(here, you, onRename) {
    this.#here = here;
    this.#you = you;
    this.#onRename = onRename;
  }

  /** @returns {Person[]} those who are named, by name */
  get all() {
    return [...this.#people.values()].sort((one, other) => order.compare(one.name, other.name));
  }

  /** @param {{people: Person[], left: number[], count: number, all: boolean}} event */
  receive({ people, left, count, all }) {
    if (all) this.#people.clear();
    for (const person of people) this.#people.set(person.id, person);
    for (const id of left) this.#people.delete(id);
    this.#count = count;
    const you = people.find(({ id }) => id === this.#you.id);
    if (you) this.#onRename(you.name);
    this.#show();
  }

  /** Somebody speaks under a name of which the list may not have heard yet. @param {{id: number, name: string}} person */
  hear({ id, name }) {
    const known = this.#people.get(id);
    if (!known || known.name === name) return;
    this.#people.set(id, { ...known, name });
    this.#show();
  }

  #show() {
    const part = (name) => document.getElementById(name);
    const unnamed = this.#count - this.#people.size;
    this.#here.textContent =
      this.#count === 1
        ? gettext("Only you are here")
        : ngettext("{count} person here", "{count} people here", this.#count);
    this.#here.hidden = false;
    part("people-count").textContent = ` · ${numeral(this.#count)}`;
    part("people-list").replaceChildren(...this.all.map((person) => this.#draw(person)));
    part("people-more").textContent = ngettext("and {count} more", "and {count} more", unnamed);
    part("people-more").hidden = unnamed === 0;
  }

  #draw(person) {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("person"));
    const item = /** @type {HTMLLIElement} */ (template.content.firstElementChild.cloneNode(true));
    paintAvatar(item.querySelector(".avatar"), person);
    item.querySelector(".person__name").textContent = person.name;
    item.querySelector(".staff").hidden = !person.staff;
    item.querySelector(".person__about").textContent = this.#about(person);
    return item;
  }

  #about({ id, guest }) {
    if (id === this.#you.id) return gettext("you");
    return guest ? gettext("guest") : "";
  }
}
