/** What the page tells about its room: the name, the topic, and who may write how often. The log tells of changes. */

import { gettext, ngettext } from "../../base/js/i18n.js";
import { TopicEditor } from "./topic-editor.js";

const element = (id) => document.getElementById(id);

/** @typedef {{seq: number, title: string, others: {id: number, name: string}[], topic: string, is_archived: boolean, writers: string, slow_mode: number, requirement: string, moderates: boolean}} RoomData of the page, and kept with it */

/** The settings of a new room: those that a welcome leaves out. */
const DEFAULTS = { topic: "", is_archived: false, writers: "everyone", slow_mode: 0, requirement: "" };

/** The settings of a room, to be kept with what was seen of it. @param {RoomData} data */
export function settingsOf({ title, others, topic, is_archived, writers, slow_mode, requirement }) {
  return { title, others, topic, is_archived, writers, slow_mode, requirement };
}

export class RoomHeader {
  #data;
  #changedAt; // the seq of the last change that is shown
  #onRename;
  #onRights;
  #editor; // only for people who may change the topic

  /**
   * @param {RoomData} data
   * @param {object} handlers
   * @param {() => void} handlers.onRename called when `title` has changed
   * @param {(rights: import("./timeline/message-element.js").Rights) => void} handlers.onRights called when they may have changed
   */
  constructor(data, { onRename, onRights }) {
    this.#data = data;
    this.#changedAt = data.seq;
    this.#onRename = onRename;
    this.#onRights = onRights;
    const form = /** @type {HTMLFormElement | null} */ (element("topic-form"));
    this.#editor = form && new TopicEditor(form);
    this.#show();
  }

  /** @param {import("./timeline/message-element.js").Message} message of which only the room's events count */
  receive({ event, seq, message }) {
    const change = event && seq > this.#changedAt && changeBy(event, message);
    if (!change) return;
    this.#changedAt = seq;
    Object.assign(this.#data, change);
    this.#show();
    if (change.title) this.#onRename();
  }

  /** What the log did not tell: the person's role, and changes that were missed or lost. @param {{settings?: (Partial<RoomData> & {is_owner?: boolean}) | null, seq: number}} welcome */
  welcomed({ settings, seq }) {
    if (!settings) return;
    this.#changedAt = seq;
    const before = this.#data.title;
    const { title = before, is_owner: isOwner = false, moderates = false, ...others } = settings;
    Object.assign(this.#data, DEFAULTS, others, { title });
    this.grant({ is_owner: isOwner, moderates });
    if (title !== before) this.#onRename();
  }

  /** @param {{is_owner: boolean, moderates: boolean}} role what the person may do */
  grant({ is_owner: isOwner, moderates }) {
    this.#data.moderates = moderates;
    for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-owner]"))) each.hidden = !isOwner;
    this.#show();
  }

  /** @param {{requirement: string}} event what the person lacks to write by the site's rules */
  require({ requirement }) {
    this.#data.requirement = requirement;
    this.#show();
  }

  /** Update the title of a direct room, which names the others, if one of them has a new name. @param {{id: number, name: string}} person */
  meet({ id, name }) {
    const { others = [], title } = this.#data;
    const known = others.find((other) => other.id === id);
    if (!known || known.name === name) return;
    const before = joinNames(others);
    known.name = name;
    const isKnown = title === before || title.startsWith(`${before}, `); // unless a welcome has told the new name before
    if (isKnown) this.retitle(joinNames(others) + title.slice(before.length)); // keeps "Somebody" for those who are gone
  }

  /** @param {string | undefined} title the room's present title, if it is known */
  retitle(title) {
    if (!title || title === this.#data.title) return;
    this.#data.title = title;
    this.#show();
    this.#onRename();
  }

  #show() {
    const { title, topic, moderates } = this.#data;
    const isEditable = this.#editor && !element("topic-form").hidden;
    Object.assign(element("room-topic"), { textContent: topic, title: topic, hidden: !topic || isEditable });
    this.#editor?.show(topic);
    const closed = whyClosed(this.#data);
    const mustSignUp = !closed && this.#data.requirement === "account";
    const isHidden = Boolean(closed) || mustSignUp;
    const hadFocus = element("composer").contains(document.activeElement);
    element("composer").hidden = isHidden;
    Object.assign(element("composer-closed"), { textContent: closed, hidden: !closed });
    element("composer-sign-up").hidden = !mustSignUp;
    if (isHidden && hadFocus) element(mustSignUp ? "composer-sign-up" : "composer-closed").focus(); // which reads it out
    this.#onRights({ moderates, canWrite: !isHidden });
    const pause = moderates ? 0 : this.#data.slow_mode;
    Object.assign(element("composer-hint"), { textContent: slowModeText(pause), hidden: isHidden || !pause });
    if (!title) return; // an open room
    element("room-title").textContent = title;
    const label = gettext("Message {room}", { room: title });
    Object.assign(element("chat-message-input"), { placeholder: label, ariaLabel: label });
  }
}

/** As in titles.py. @param {{name: string}[]} people */
function joinNames(people) {
  return people.map(({ name }) => name).join(", ");
}

/** Why the person cannot write; empty if they can, or can sign up to. @param {RoomData} data */
function whyClosed({ is_archived: isArchived, writers, requirement, moderates }) {
  if (isArchived) return gettext("This room is archived. Nobody can write in it.");
  if (writers === "moderators" && !moderates) return gettext("Only moderators can write in this room.");
  return requirement === "approval" ? gettext("You can write here once the site's staff have approved you.") : "";
}

/** @param {number} seconds */
function slowModeText(seconds) {
  if (seconds < 60) return ngettext("Slow mode: one message every {count} second", "Slow mode: one message every {count} seconds", seconds);
  return ngettext("Slow mode: one message a minute", "Slow mode: one message every {count} minutes", seconds / 60);
}

/** @returns {Partial<RoomData> | undefined} */
function changeBy(event, subject) {
  return {
    renamed: { title: subject },
    topic: { topic: subject },
    no_topic: { topic: "" },
    archived: { is_archived: true },
    reopened: { is_archived: false },
    muted: { writers: "moderators" },
    unmuted: { writers: "everyone" },
    slow: { slow_mode: Number(subject) },
    not_slow: { slow_mode: 0 },
  }[event];
}
