/** What the page tells about its room: the name, the topic, and whether it is archived. The log tells of changes. */

import { gettext } from "../../base/js/i18n.js";

const element = (id) => document.getElementById(id);

/** @typedef {{seq: number, title: string, other: number | null, topic: string, is_archived: boolean}} RoomData of the page, and kept with it */

export class RoomHeader {
  #data;
  #changedAt; // the seq of the last change that is shown
  #onRename;

  /** @param {RoomData} data @param {() => void} onRename called when `title` has changed */
  constructor(data, onRename) {
    this.#data = data;
    this.#changedAt = data.seq;
    this.#onRename = onRename;
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

  /** The other person of a direct room, which is called by their name, may have another one. @param {{id: number, name: string}} person */
  meet({ id, name }) {
    if (id !== this.#data.other || name === this.#data.title) return;
    this.#data.title = name;
    this.#show();
    this.#onRename();
  }

  #show() {
    const { title, topic, is_archived: isArchived } = this.#data;
    Object.assign(element("room-topic"), { textContent: topic, title: topic, hidden: !topic });
    element("composer").hidden = isArchived;
    element("composer-closed").hidden = !isArchived;
    if (!title) return; // an open room
    element("room-title").textContent = title;
    const label = gettext("Message {room}", { room: title });
    Object.assign(element("chat-message-input"), { placeholder: label, ariaLabel: label });
  }
}

/** @returns {Partial<RoomData> | undefined} */
function changeBy(event, subject) {
  return {
    renamed: { title: subject },
    topic: { topic: subject },
    no_topic: { topic: "" },
    archived: { is_archived: true },
    reopened: { is_archived: false },
  }[event];
}
