/**
 * Desktop notifications of unread messages. All tabs of a person receive unread counts; the tab that holds a lock (the
 * leader) shows the notifications, so that each appears once. A tab that the server refuses receives no counts, and gives
 * up the lock. Rooms that are being viewed in any tab are skipped. A notification is closed when its message is read,
 * edited or deleted.
 */

import { isolate } from "../../../base/js/bidi.js";
import { gettext } from "../../../base/js/i18n.js";
import { roomAddress } from "../room-address.js";
import { permission } from "./notification-permission.js";
import { isSoundOn, playSound } from "./notification-sound.js";

/** Names of Web Locks: of the leader, of tabs in which a room is viewed, and of changes to a room's notification. */
const LEADER_LOCK = "lobby.notifier.";
const VIEWING_LOCK = "lobby.looking.";
const NOTIFICATION_LOCK = "lobby.notification.";

const FETCH_TIMEOUT = 10_000; // milliseconds

/** How long a tab waits to become the leader before it skips a notification: the leader may just have closed (milliseconds). */
const ELECTION_TIMEOUT = 3000;

/** Status codes for a room to which the person has no access any more. */
const CLOSED = [403, 404, 410];

/** How much of a message is shown (characters). */
const MAX_LENGTH = 200;

/**
 * Hold a lock while this tab's room is being viewed.
 * @param {string} room
 * @param {number} you
 * @param {AbortSignal} signal aborted when the room is left
 */
export function shareViewing(room, you, signal) {
  let release = null;
  const update = () => {
    const isViewing = !document.hidden && document.hasFocus() && !signal.aborted;
    if (isViewing === Boolean(release)) return;
    release?.();
    release = isViewing ? holdLock(viewingLock(room, you), { mode: "shared" }) : null;
  };
  for (const event of ["focus", "blur"]) addEventListener(event, update, { signal });
  document.addEventListener("visibilitychange", update, { signal });
  signal.addEventListener("abort", update);
  update();
}

export class DesktopNotifications {
  #you;
  /** @type {(() => void) | null} gives the leader's lock up */
  #resign = null;
  #isLeader = false;
  /** @type {Promise<void>} resolved when this tab becomes the leader */
  #elected;
  /** @type {Map<string, number>} of each room, the newest message of which the person is notified: 0 for none, Infinity for all of a muted room */
  #newest;
  /** @type {Map<string, number>} of each room, the seq of the last change of its newest message */
  #seqs = new Map();
  /** @type {Map<string, string>} what private rooms are called */
  #titles = new Map();
  #isFirst = true;

  /**
   * @param {number} you the person's id
   * @param {HTMLElement} list of rooms, as it was rendered: what is unread then is not new
   */
  constructor(you, list) {
    this.#you = you;
    const rooms = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[data-room]")]);
    this.#newest = new Map(rooms.map(({ dataset: { room, newest } }) => [room, Number(newest ?? 0)]));
    this.isRefused = false;
  }

  /** Whether the server refuses this tab: then another tab of the person leads. */
  get isRefused() {
    return !this.#resign;
  }

  set isRefused(isRefused) {
    if (isRefused === !this.#resign) return;
    this.#resign?.();
    this.#resign = isRefused ? null : this.#stand();
  }

  /** Become the leader as soon as there is no other. @returns {() => void} gives the lock up */
  #stand() {
    let elect;
    this.#elected = new Promise((resolve) => (elect = resolve));
    return holdLock(LEADER_LOCK + this.#you, {}, (isHeld) => {
      this.#isLeader = isHeld;
      elect();
    });
  }

  /**
   * Show notifications of new messages, and close those of messages that are not unread any more.
   * @param {{rooms: {room: string, newest: number | null, involvement: string}[], all: boolean}} event
   */
  receive({ rooms, all }) {
    const received = new Set(rooms.map(({ room }) => room));
    const others = all ? [...this.#newest.keys()].filter((room) => !received.has(room)) : [];
    for (const room of others) this.#update(room, 0);
    for (const { room, newest, newest_seq: seq, involvement, title } of rooms) {
      if (title) this.#titles.set(room, title);
      if (involvement === "none") this.#mute(room);
      else this.#update(room, newest ?? 0);
      this.#closeEdited(room, newest, seq);
    }
    this.#isFirst = false;
  }

  #update(room, newest) {
    const before = this.#newest.get(room) ?? (this.#isFirst ? Infinity : 0);
    this.#newest.set(room, newest);
    if (newest > before) this.#notify(room, newest);
    else if (newest < before) this.#closeAfter(room, newest);
  }

  /** Close a muted room's notification. What is unread when it is unmuted is not new. */
  #mute(room) {
    this.#closeAfter(room, 0);
    this.#newest.set(room, Infinity);
  }

  async #notify(room, number) {
    if (permission() !== "granted") return;
    if (!this.#isLeader) await Promise.race([this.#elected, new Promise((resolve) => setTimeout(resolve, ELECTION_TIMEOUT))]);
    if (!this.#isLeader || this.#newest.get(room) !== number || (await isViewed(room, this.#you))) return;
    await navigator.locks.request(NOTIFICATION_LOCK + room, async () => {
      if (await isShown(room, number)) return; // by the previous leader
      const message = await fetchMessage(room, number);
      if (message) await showNotification(room, this.#titles.get(room) ?? room, message);
      if (message && isSoundOn()) playSound();
    });
  }

  /** Close a room's notification if its message was edited since. @param {number | undefined} seq of its last change */
  #closeEdited(room, number, seq = 0) {
    const before = this.#seqs.get(room) ?? seq;
    this.#seqs.set(room, seq);
    if (before < seq && number < seq) closeIf(room, (shown) => shown.number === number && shown.seq < seq);
  }

  /** Close a room's notification if it is of this message. @param {string} room @param {number} number */
  close(room, number) {
    return closeIf(room, (shown) => shown.number === number);
  }

  #closeAfter(room, number) {
    return closeIf(room, (shown) => shown.number > number);
  }
}

/** Close a room's notification if its message is as asked. @param {(shown: {number: number, seq?: number}) => boolean} isAsked */
async function closeIf(room, isAsked) {
  if (permission() !== "granted") return;
  const { ready } = navigator.serviceWorker;
  await navigator.locks?.request(NOTIFICATION_LOCK + room, async () => {
    const shown = await (await ready).getNotifications({ tag: room });
    for (const each of shown) if (isAsked(each.data)) each.close();
  });
}

/** Whether a room's notification is of this message. @param {string} room @param {number} number */
async function isShown(room, number) {
  const shown = await (await navigator.serviceWorker.ready).getNotifications({ tag: room });
  return shown.some(({ data }) => data.number === number);
}

/** Fetch a message. @returns {Promise<object | null>} null if it is gone; its number alone if it cannot be loaded */
async function fetchMessage(room, number) {
  const options = { signal: AbortSignal.timeout(FETCH_TIMEOUT) };
  const response = await fetch(`${roomAddress(room)}messages/?before=${number + 1}&limit=1`, options).catch(() => null);
  if (response && CLOSED.includes(response.status)) return null;
  if (!response?.ok) return { number };
  const message = (await response.json()).messages.at(-1);
  return message?.number === number && !message.deleted ? message : null;
}

async function isViewed(room, you) {
  const { held } = await navigator.locks.query();
  return held.some(({ name }) => name === viewingLock(room, you));
}

function viewingLock(room, you) {
  return `${VIEWING_LOCK}${you}.${room}`;
}

/** Show a notification, in place of an earlier one of the room. The service worker handles the click. */
async function showNotification(room, label, { number, seq, author, message = gettext("New message") }) {
  const registration = await navigator.serviceWorker.ready;
  const title = [author?.name, label].filter(Boolean).map(isolate).join(" · ");
  await registration.showNotification(title, {
    body: message.slice(0, MAX_LENGTH).toWellFormed(),
    tag: room,
    renotify: true,
    icon: document.querySelector("link[rel=icon]").href,
    data: { address: roomAddress(room), number, seq },
  });
}

/**
 * Acquire a lock as soon as it is free, and hold it.
 * @param {string} name
 * @param {LockOptions} options
 * @param {(isHeld: boolean) => void} [onChange] called when the lock is acquired, and when it is released
 * @returns {() => void} releases the lock, or cancels the request
 */
function holdLock(name, options, onChange) {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  navigator.locks?.request(name, options, async () => {
    onChange?.(true);
    await released;
    onChange?.(false);
  });
  return release;
}
