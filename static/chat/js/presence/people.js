/** List of the people in the room. */

import { gettext, language, ngettext, formatNumber } from "../../../base/js/i18n.js";
import { renderAvatar } from "./avatar.js";

/** @typedef {{id: number, name: string, guest: boolean, staff?: boolean}} Person */

const order = new Intl.Collator(language);

export class People {
  #summary;
  #you;
  #onRename;
  /** @type {(person: Person, anchor: Element) => void} called before the card of a person opens */
  onOpen = () => {};

  /** @type {Map<number, Person>} */
  #people = new Map();
  #count = 0;

  /**
   * @param {HTMLElement} summary shows how many people are in the room
   * @param {{id: number}} you
   * @param {(name: string) => void} onRename called with your display name, which another tab may have changed
   */
  constructor(summary, you, onRename) {
    this.#summary = summary;
    this.#you = you;
    this.#onRename = onRename;
  }

  /** @returns {Person[]} the people whose names are known, in the order of their names */
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

  /** @param {number} id @returns {Person | undefined} a person who is in the room, and named */
  get(id) {
    return this.#people.get(id);
  }

  /** @param {{id: number}} person @returns {boolean} whether the person is in the room, and named */
  has({ id }) {
    return this.#people.has(id);
  }

  /** Update a name that the author of a message has changed. @param {{id: number, name: string}} person */
  rename({ id, name }) {
    const known = this.#people.get(id);
    if (!known || known.name === name) return;
    this.#people.set(id, { ...known, name });
    this.#show();
  }

  #show() {
    const part = (name) => document.getElementById(name);
    const unnamed = this.#count - this.#people.size;
    this.#summary.textContent =
      this.#count === 1
        ? gettext("Just you")
        : ngettext("{count} online", "{count} online", this.#count);
    this.#summary.hidden = false;
    part("people-count").textContent = ` · ${formatNumber(this.#count)}`;
    this.#showItems(part("people-list"));
    part("people-more").textContent = ngettext("and {count} more", "and {count} more", unnamed);
    part("people-more").hidden = unnamed === 0;
  }

  /** Show the list again, and keep the focus on its person. */
  #showItems(list) {
    const { id } = list.contains(document.activeElement) ? document.activeElement : { id: "" };
    list.replaceChildren(...this.#items());
    if (id) document.getElementById(id)?.focus();
  }

  /** You first, then people with an account, then guests below a heading. */
  #items() {
    const { all } = this;
    const isYou = ({ id }) => id === this.#you.id;
    const others = all.filter((person) => !isYou(person));
    const guests = others.filter(({ guest }) => guest);
    const sorted = [...all.filter(isYou), ...others.filter(({ guest }) => !guest), ...guests];
    const items = sorted.map((person) => this.#render(person));
    if (guests.length) items.splice(-guests.length, 0, renderHeading(gettext("Guests")));
    return items;
  }

  #render(person) {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("person"));
    const item = /** @type {HTMLLIElement} */ (template.content.firstElementChild.cloneNode(true));
    const button = item.querySelector("button");
    button.id = `person-${person.id}`;
    button.addEventListener("click", () => this.onOpen(this.get(person.id) ?? person, button));
    renderAvatar(item.querySelector(".avatar"), person);
    item.querySelector(".person__name").textContent = person.name;
    item.querySelector(".staff-badge").hidden = !person.staff;
    item.querySelector(".person__about").textContent = person.id === this.#you.id ? gettext("you") : "";
    return item;
  }
}

function renderHeading(text) {
  const item = document.createElement("li");
  item.className = "people__heading";
  item.textContent = text;
  return item;
}
