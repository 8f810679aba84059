/** Unread counts of all rooms, shown in the list of rooms, on the button that opens it, in the tab's title and in its icon. */

import { gettext, ngettext } from "../../../base/js/i18n.js";
import { ReconnectingSocket } from "../../../base/js/reconnecting-socket.js";
import { roomAddress } from "../room-address.js";

/** The first count that is shown as "99+". */
const BADGE_LIMIT = 100;

/** @param {number} count @returns {string} */
export function formatBadge(count) {
  return count < BADGE_LIMIT ? String(count) : `${BADGE_LIMIT - 1}+`;
}

/** @param {number} mentions */
function mentionsText(mentions) {
  if (!mentions) return "";
  return ngettext(", {count} mention", ", {count} mentions", mentions, { count: formatBadge(mentions) });
}

/** @typedef {{room: string, count: number, mentions: number, involvement: string, star: number | null, title?: string}} Room */

const NONE = { count: 0, mentions: 0 };

/** After so long without a connection the lists are loaded again, within some time: not by all tabs at once (milliseconds). */
const LONG_OUTAGE = 90_000;
const MAX_RELOAD_DELAY = 20_000;

/** How often it is noted that there is a connection (milliseconds): a computer may fall asleep at any moment. */
const NOTE_INTERVAL = 10_000;

export class UnreadCounts {
  #lists;
  /** @type {Map<string, {count: number, mentions: number}>} */
  #counts = new Map();
  #title = document.title;
  #icon = /** @type {HTMLLinkElement} */ (document.querySelector("link[rel=icon]"));
  #plainIcon = this.#icon.href;

  #handlers;
  #connectedAt = Date.now(); // the last time
  #noting = 0;
  #reload = 0; // timer, until a visible page has loaded its lists again
  #unlisted = new Set(); // rooms for which `onUnlisted` was called, until they are listed

  /**
   * @param {HTMLElement[]} lists of rooms, each with its count at the time when the page was rendered
   * @param {object} handlers
   * @param {() => void} [handlers.onMention] called when more messages mention the person, in a room that is not muted
   * @param {() => void} [handlers.onChange] called when counts have changed
   * @param {() => void} handlers.onUnlisted called when the lists are out of date, once for a room that a list lacks
   */
  constructor(lists, handlers) {
    this.#lists = lists;
    this.#handlers = handlers;
    for (const { dataset } of this.#rooms) {
      this.#counts.set(dataset.room, { count: Number(dataset.unread), mentions: Number(dataset.mentions) });
    }
    this.#show();
    document.addEventListener("visibilitychange", () => this.#reload && this.#reloadSoon());
  }

  /**
   * After a long time without a connection, rooms may have been renamed, archived or left, of which no count tells.
   * @param {boolean} isConnected
   */
  setConnected(isConnected) {
    const note = () => {
      if (Date.now() - this.#connectedAt > LONG_OUTAGE) this.#reloadSoon(); // also if the computer slept meanwhile
      this.#connectedAt = Date.now();
    };
    clearInterval(this.#noting);
    if (!isConnected) return;
    note();
    this.#noting = setInterval(note, NOTE_INTERVAL);
  }

  /** @param {{rooms: Room[], all: boolean, private?: string[]}} event */
  receive({ rooms, all, private: own }) {
    for (const { room, involvement } of rooms) if (!involvement) forgetLeft(room);
    if (own) this.#keepOnly(own);
    const before = this.#counts;
    this.#counts = new Map(all ? [] : before);
    for (const { room, count, mentions } of rooms) this.#counts.set(room, { count, mentions });
    this.#show();
    this.#checkListed(rooms);
    if (this.#isListedOtherwise(rooms, all)) this.#handlers.onUnlisted();
    const countsBefore = (room) => before.get(room) ?? NONE;
    const isMention = rooms.some((each) => each.involvement !== "none" && each.mentions > countsBefore(each.room).mentions);
    if (isMention) this.#handlers.onMention?.();
    const hasChanged = [...before.keys(), ...this.#counts.keys()].some((room) => {
      const { count, mentions } = this.#counts.get(room) ?? NONE;
      return count !== countsBefore(room).count || mentions !== countsBefore(room).mentions;
    });
    if (hasChanged) this.#handlers.onChange?.();
  }

  /** The person is no longer a member of a private room. @param {string} room */
  left(room) {
    this.receive({ rooms: [{ room, ...NONE, involvement: "", star: null, title: "" }], all: false });
  }

  /** The person was removed from other private rooms while this tab was not connected. @param {string[]} own */
  #keepOnly(own) {
    navigator.serviceWorker?.controller?.postMessage({ members: own.map(roomAddress) });
    const isLeft = ({ dataset: { room } }) => room.startsWith("~") && !own.includes(room);
    if (this.#rooms.some(isLeft)) this.#handlers.onUnlisted();
  }

  #reloadSoon() {
    clearTimeout(this.#reload);
    this.#reload = setTimeout(() => {
      if (document.hidden) return; // until it is shown
      this.#reload = 0;
      this.#handlers.onUnlisted();
    }, Math.random() * MAX_RELOAD_DELAY);
  }

  /** @param {string} title of the page, without the count */
  setTitle(title) {
    this.#title = title;
    this.#show();
  }

  /** A room that was entered in another tab is not in the list yet. */
  #checkListed(rooms) {
    const listed = this.#lists.map((list) => new Set(roomsIn(list).map(({ dataset }) => dataset.room)));
    const isListed = (room) => listed.every((each) => each.has(room));
    for (const room of this.#unlisted) if (isListed(room)) this.#unlisted.delete(room);
    const isNew = ({ room }) => !isListed(room) && !this.#unlisted.has(room);
    const unlisted = rooms.filter(isNew);
    for (const { room } of unlisted) this.#unlisted.add(room);
    if (unlisted.length) this.#handlers.onUnlisted();
  }

  /** Whether the list has a room with another title, star or notification level, or as one of others. */
  #isListedOtherwise(rooms, all) {
    const received = new Map(rooms.map((each) => [each.room, each]));
    return this.#rooms.some(({ dataset: { room, star, involvement = "", title = "" } }) => {
      if (star === undefined) return false; // a room of the index
      const now = received.get(room);
      if (!now) return Boolean(all && Number(star));
      if (now.involvement && title !== (now.title ?? "")) return true;
      return involvement !== now.involvement || Number(star) !== (now.star ?? 0);
    });
  }

  #show() {
    const counts = [...this.#counts.values()];
    const sum = counts.reduce((all, { count }) => all + count, 0);
    document.title = sum ? `(${formatBadge(sum)}) ${this.#title}` : this.#title;
    this.#icon.href = sum ? this.#icon.dataset.unread : this.#plainIcon;
    for (const room of this.#rooms) this.#showBadge(room);
    showOnMenu(sum, counts.some(({ mentions }) => mentions > 0));
  }

  get #rooms() {
    return this.#lists.flatMap(roomsIn);
  }

  #showBadge(room) {
    const { count, mentions } = this.#counts.get(room.dataset.room) ?? NONE;
    const badge = room.querySelector(".unread-badge");
    badge.hidden = count === 0;
    badge.classList.toggle("unread-badge--mention", mentions > 0);
    badge.querySelector(".unread-badge__number").textContent = formatBadge(count);
    badge.querySelector(".unread-badge__mentions").textContent = mentionsText(mentions);
  }
}

/**
 * Follow a person's counts where no room's session does.
 * @param {number} you the person's id
 * @param {UnreadCounts} unread
 * @param {import("../notifications/desktop-notifications.js").DesktopNotifications} notifications
 * @param {() => void} [onOpen] called when it is connected
 * @returns {ReconnectingSocket}
 */
export function followPerson(you, unread, notifications, onOpen = () => {}) {
  return new ReconnectingSocket({
    address: () => `/ws/me/?you=${you}`,
    isGreeting: () => true, // the server refuses another person
    onFrame: (events) => {
      for (const event of events) for (const part of [unread, notifications]) part.receive(event);
    },
    onState: (state) => {
      unread.setConnected(state === "open");
      notifications.isRefused = state === "refused"; // the page is useful all the same
      if (state === "open") onOpen();
    },
  });
}

/** A private room that the person has left, or was removed from, is not kept for the time offline. */
function forgetLeft(room) {
  if (room.startsWith("~")) navigator.serviceWorker?.controller?.postMessage({ left: roomAddress(room) });
}

/** @param {HTMLElement} list */
function roomsIn(list) {
  return /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[data-room]")]);
}

/** Show all counts on the button that opens the sidebar in narrow windows. */
function showOnMenu(sum, hasMentions) {
  const button = /** @type {HTMLElement | null} */ (document.querySelector("button[popovertarget=sidebar]"));
  if (!button) return;
  button.dataset.unread = sum ? formatBadge(sum) : "";
  button.classList.toggle("has-mentions", hasMentions);
  const about = { count: formatBadge(sum) };
  button.ariaLabel = sum ? ngettext("Rooms, {count} unread", "Rooms, {count} unread", sum, about) : gettext("Rooms");
}
