/** Card of a person: a popover with the name, who it is, and what can be done. */

import { gettext } from "../../../base/js/i18n.js";
import { formatDay } from "../../../base/js/time-format.js";
import { roomAddress } from "../room-address.js";
import { renderAvatar } from "./avatar.js";
import { EDGE, placePopover } from "../../../base/js/place-popover.js";

/** Width of the card, as in person-card.css (pixels). */
const WIDTH = 240;

const LOAD_TIMEOUT = 10_000; // milliseconds

export class PersonCard {
  #card;
  #you;
  #log;
  #address;
  /** @type {import("./people.js").Person | null} */
  #person = null;

  /**
   * @param {HTMLElement} card
   * @param {{id: number, staff?: boolean}} you
   * @param {import("../timeline/chat-log.js").ChatLog} log which knows whom the person ignores, and whether they can write
   * @param {string} address of the room
   * @param {(person: import("./people.js").Person) => void} onMention
   */
  constructor(card, you, log, address, onMention) {
    this.#log = log;
    this.#address = address;
    this.#card = card;
    this.#you = you;
    this.#part("mention").addEventListener("click", () => {
      card.hidePopover();
      onMention(this.#person);
    });
  }

  /**
   * Show a person, before the anchor opens the card.
   * @param {import("./people.js").Person} person
   * @param {boolean} isOnline whether the person is known to be in the room
   * @param {Element} anchor the card is shown below it, or above
   */
  prepare(person, isOnline, anchor) {
    this.#person = person;
    const isYou = person.id === this.#you.id;
    renderAvatar(this.#card.querySelector(".avatar"), person);
    this.#part("name").textContent = person.name;
    this.#card.querySelector(".staff-badge").hidden = !person.staff;
    const about = [isYou && gettext("This is you"), person.guest && gettext("Guest"), isOnline && gettext("Online")];
    this.#part("about").textContent = about.filter(Boolean).join(" · ");
    this.#part("mention").hidden = isYou || !this.#log.rights.canWrite;
    const message = /** @type {HTMLFormElement} */ (this.#part("message"));
    message.hidden = isYou;
    message.elements.namedItem("person").value = person.id;
    this.#prepareIgnoring(person, isYou);
    this.#part("profile").hidden = !isYou;
    const moderate = /** @type {HTMLAnchorElement} */ (this.#part("moderate"));
    moderate.hidden = isYou || !this.#you.staff || person.staff;
    moderate.href = moderate.dataset.address.replace("1", person.id);
    this.#focusFirstAction();
    this.#showProfile({ since: null, rooms: [], more: false });
    this.#place(anchor);
    this.#loadProfile(person, anchor);
  }

  /** Let the browser focus the first action as the card opens. */
  #focusFirstAction() {
    const actions = /** @type {HTMLElement[]} */ ([...this.#card.querySelectorAll(".person-card__action")]);
    const first = actions.find((each) => !each.closest("[hidden]"));
    for (const each of actions) each.autofocus = each === first;
  }

  #place(anchor) {
    const beside = anchor.getBoundingClientRect();
    placePopover(this.#card, beside, Math.min(beside.left, innerWidth - WIDTH - EDGE));
  }

  /** Load and show since when the person is here, and the rooms that they share with the reader. */
  async #loadProfile(person, anchor) {
    const options = { signal: AbortSignal.timeout(LOAD_TIMEOUT) };
    const response = await fetch(`${this.#address}people/${person.id}/`, options).catch(() => null);
    const profile = response?.ok && (await response.json().catch(() => null));
    if (!profile || person !== this.#person) return;
    this.#showProfile(profile);
    if (anchor.isConnected && this.#card.matches(":popover-open")) this.#place(anchor);
  }

  /** @param {{since: string | null, rooms: {name: string, title: string}[], more: boolean}} profile */
  #showProfile({ since, rooms, more }) {
    const line = this.#part("since");
    line.textContent = since ? gettext("Here since {day}", { day: formatDay(new Date(since)) }) : "";
    line.hidden = !since;
    this.#part("common").hidden = !rooms.length;
    const items = rooms.map(({ name, title }) => {
      const link = Object.assign(document.createElement("a"), { href: roomAddress(name), textContent: title || name });
      link.dir = "auto";
      return link;
    });
    this.#part("rooms").replaceChildren(...items, ...(more ? ["…"] : []));
  }

  #prepareIgnoring({ id }, isYou) {
    const form = /** @type {HTMLFormElement} */ (this.#part("ignore"));
    const button = form.querySelector("button");
    const isIgnored = this.#log.ignored.has(id);
    form.hidden = isYou;
    form.action = (isIgnored ? form.dataset.stop : form.dataset.address).replace("1", id);
    button.textContent = isIgnored ? button.dataset.stop : button.dataset.ignore;
  }

  /** Show a person beside their name at a message. @see prepare */
  open(person, isOnline, anchor) {
    this.prepare(person, isOnline, anchor);
    this.#card.showPopover();
  }

  #part(name) {
    return this.#card.querySelector(`.person-card__${name}`);
  }
}
