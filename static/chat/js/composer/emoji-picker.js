/** Emoji picker: a popover with recent and common emoji in groups, and a search for all. A click or Enter chooses. */

import { gettext } from "../../../base/js/i18n.js";
import { isOfInputMethod } from "../../../base/js/input-method.js";
import { hasModifier } from "../../../base/js/shortcut-keys.js";
import { isAnything, readJson, withStorage } from "../../../base/js/storage.js";

/** How far these arrow keys move the focus; up and down depend on the rows. */
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };
const ROWS = { ArrowUp: -1, ArrowDown: 1 };

/** Distance from the composer (pixels). */
const GAP = 8;

/** How many emoji a search shows, and how many that were chosen lately. */
const MAX_FOUND = 64;
const MAX_RECENT = 16;

/** Storage key of the emoji that were chosen lately, the last one first. */
const RECENT = "lobby.emoji";

export class EmojiPicker {
  #popover;
  #anchor;
  #catalogue;
  #onChoice;
  #search = document.createElement("input");
  #list = document.createElement("div");

  /**
   * @param {HTMLElement} popover
   * @param {HTMLElement} anchor the popover opens above it
   * @param {import("../text/emoji.js").Catalogue} catalogue
   * @param {(emoji: string) => void} onChoice
   * @param {AbortSignal} signal aborted when the room is left
   */
  constructor(popover, anchor, catalogue, onChoice, signal) {
    this.#popover = popover;
    this.#anchor = anchor;
    this.#catalogue = catalogue;
    this.#onChoice = onChoice;
    const label = gettext("Find emoji");
    Object.assign(this.#search, { className: "emoji-picker__search", placeholder: label, ariaLabel: label, autocomplete: "off" });
    this.#list.className = "emoji-picker__list";
    popover.replaceChildren(this.#search, this.#list);
    addEventListener("resize", () => popover.matches(":popover-open") && this.#setPosition(), { signal });
    popover.addEventListener("toggle", ({ newState }) => newState === "open" && this.#open());
    popover.addEventListener("keydown", (event) => this.#keyPressed(event));
    popover.addEventListener("click", ({ target }) => this.#choose(target.closest("button")));
    popover.addEventListener("focusin", ({ target }) => this.#setTabStop(target.closest("button")));
    this.#search.addEventListener("input", () => this.#show());
  }

  get #buttons() {
    return [...this.#list.querySelectorAll("button")];
  }

  async #open() {
    this.#setPosition();
    this.#search.value = "";
    await this.#show();
    this.#buttons[0]?.focus(); // and not the field, which opens the keyboard of a phone; typing leads there
  }

  #setPosition() {
    const { top, right } = this.#anchor.getBoundingClientRect();
    this.#popover.style.setProperty("--bottom", `${innerHeight - top + GAP}px`);
    this.#popover.style.setProperty("--end", `${document.documentElement.clientWidth - right}px`);
  }

  /** Show what the search finds, or all groups. */
  async #show() {
    const asked = this.#search.value.trim();
    try {
      const groups = asked
        ? [{ title: gettext("Found"), emoji: await this.#catalogue.find(asked, MAX_FOUND) }]
        : [{ title: gettext("Recent"), emoji: await this.#recent() }, ...(await this.#catalogue.groups())];
      if (asked !== this.#search.value.trim()) return; // another search has begun
      this.#list.replaceChildren(...groups.filter(({ emoji }) => emoji.length).map(renderGroup));
      if (!this.#buttons.length) this.#list.textContent = gettext("No emoji found");
      this.#setTabStop(this.#buttons[0]);
    } catch {
      this.#list.textContent = gettext("Couldn't load emoji. Try again.");
    }
  }

  async #recent() {
    const all = await Promise.all(readRecent().map((emoji) => this.#catalogue.entry(emoji)));
    return all.filter(Boolean);
  }

  #keyPressed(event) {
    const isSearching = event.target === this.#search;
    if (isOfInputMethod(event)) return;
    if (isSearching && event.key === "Enter") {
      event.preventDefault(); // the composer has the focus next
      return this.#choose(this.#buttons[0]);
    }
    const next = isSearching ? event.key === "ArrowDown" && this.#buttons[0] : this.#next(event.key);
    if (next) {
      event.preventDefault();
      next.focus();
    } else if (event.key.length === 1 && event.key !== " " && !hasModifier(event)) this.#search.focus();
  }

  /** The button that an arrow key leads to from the focused one. */
  #next(key) {
    const buttons = this.#buttons;
    const focused = /** @type {HTMLElement} */ (document.activeElement);
    if (STEPS[key]) return buttons[buttons.indexOf(focused) + STEPS[key]];
    const distance = ({ offsetTop, offsetLeft }) => [(offsetTop - focused.offsetTop) * ROWS[key], Math.abs(offsetLeft - focused.offsetLeft)];
    const beyond = buttons.map((button) => ({ button, at: distance(button) })).filter(({ at: [rows] }) => rows > 0);
    return beyond.sort(({ at: one }, { at: other }) => one[0] - other[0] || one[1] - other[1])[0]?.button;
  }

  /** Roving tabindex: all buttons are one tab stop. */
  #setTabStop(button) {
    if (button) for (const each of this.#buttons) each.tabIndex = each === button ? 0 : -1;
  }

  #choose(button) {
    if (!button) return;
    const emoji = button.textContent;
    const recent = [emoji, ...readRecent().filter((each) => each !== emoji)].slice(0, MAX_RECENT);
    withStorage((storage) => storage.setItem(RECENT, JSON.stringify({ recent })));
    this.#popover.hidePopover();
    this.#onChoice(emoji);
  }
}

/** @returns {string[]} */
function readRecent() {
  return readJson(RECENT, { recent: Array.isArray })?.recent.slice(0, MAX_RECENT) ?? [];
}

function renderGroup({ title, emoji }) {
  const group = document.createElement("div");
  group.role = "group";
  group.ariaLabel = title;
  const heading = document.createElement("p");
  heading.className = "emoji-picker__title";
  heading.ariaHidden = "true";
  heading.textContent = title;
  const grid = document.createElement("div");
  grid.className = "emoji-picker__grid";
  grid.append(...emoji.map(renderButton));
  group.append(heading, grid);
  return group;
}

function renderButton({ emoji, name }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "emoji-picker__emoji";
  button.textContent = emoji;
  button.ariaLabel = button.title = name;
  button.tabIndex = -1;
  return button;
}
