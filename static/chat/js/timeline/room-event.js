/** Lines of the log about what happened to the room: their sentences, and one line for all who joined in a row. */

import { isolate } from "../../../base/js/bidi.js";
import { gettext, ngettext } from "../../../base/js/i18n.js";

/** The event of a person who has become a member. */
const JOINED = "joined";

/** @type {Record<string, (values: {name: string, subject: string}) => string>} see `RoomEvent` in chat/room_events.py */
const SENTENCES = {
  joined: (values) => gettext("{name} joined", values),
  added: (values) => gettext("{name} added {subject}", values),
  left: (values) => gettext("{name} left", values),
  removed: (values) => gettext("{name} removed {subject}", values),
  renamed: (values) => gettext("{name} renamed the room to {subject}", values),
  topic: (values) => gettext("{name} changed the topic", values),
  no_topic: (values) => gettext("{name} removed the topic", values),
  archived: (values) => gettext("{name} archived the room", values),
  reopened: (values) => gettext("{name} opened the room again", values),
  muted: (values) => gettext("{name} let only moderators write", values),
  unmuted: (values) => gettext("{name} let everyone write", values),
  slow: (values) => gettext("{name} turned on slow mode: one message every {subject} seconds", values),
  not_slow: (values) => gettext("{name} turned off slow mode", values),
};

/** @typedef {{event?: string, author: {name: string}, message: string}} Line of the log: a message that has an event */

/** @param {Line} line @returns {string} */
export function eventSentence({ event, author, message }) {
  return SENTENCES[event]?.({ name: isolate(author.name), subject: isolate(message) }) ?? isolate(message);
}

/** @typedef {{names: string[], count: number}} Joins the first two who joined in a row, and how many did */

export class JoinedPeople {
  #messageOf;
  /** @type {WeakMap<Element, Joins>} who joined up to an item */
  #joins = new WeakMap();

  /** @param {(item: Element) => Line | undefined} messageOf the message of an item */
  constructor(messageOf) {
    this.#messageOf = messageOf;
  }

  /** The items beside this one have changed: only the last of those who joined in a row is shown. @param {Element | null} item */
  update(item) {
    const first = item?.previousElementSibling;
    if (first && this.#isJoin(first)) this.#merge(first);
    for (let each = item; each && this.#isJoin(each); each = each.nextElementSibling) {
      const { author } = this.#messageOf(each);
      const before = this.#joins.get(each.previousElementSibling) ?? { names: [], count: 0 };
      this.#joins.set(each, { names: [...before.names, isolate(author.name)].slice(0, 2), count: before.count + 1 });
      this.#merge(each);
    }
  }

  #isJoin(item) {
    return this.#messageOf(item)?.event === JOINED;
  }

  #merge(item) {
    const next = item.nextElementSibling;
    item.classList.toggle("message--merged", Boolean(next && this.#isJoin(next)));
    item.querySelector(".message__text").textContent = joinedText(this.#joins.get(item));
  }
}

/** @param {Joins} joins */
function joinedText({ names: [first, second], count }) {
  if (count === 1) return gettext("{name} joined", { name: first });
  if (count === 2) return gettext("{first} and {second} joined", { first, second });
  return ngettext("{first}, {second} and {count} other joined", "{first}, {second} and {count} others joined", count - 2, { first, second });
}
