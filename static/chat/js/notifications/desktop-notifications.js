/**
 * Desktop notifications of unread messages. All tabs of a person receive unread counts; the tab that holds a lock (the
 * leader) shows the notifications, so that each appears once. A tab that the server refuses receives no counts, and gives
 * up the lock. Rooms that are being viewed in any tab are skipped. A notification is closed when its message is read,
 * edited or deleted.
 */

import { isolate } from "../../../base/js/bidi.js";
import { roomAddress } from "../room-address.js";
import { permission } from "./notification-permission.js";
import { isSoundOn, playSound } from "./notification-sound.js";

/** Names of Web Locks: of the leader, of tabs in which a room is viewed, and of changes to a room's notification. */
const LEADER_LOCK = "lobby.notifier.";
const VIEWING_LOCK = "lobby.looking.";
const NOTIFICATION_LOCK = "lobby.notification.";

const FETCH_TIMEOUT = 10_000; // milliseconds

/** How many recent messages of a room are searched for the one to show, unless it is a mention. */
const RECENT_MESSAGES = 20;

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

  /** @param {number} you the person's id */
  constructor(you) {
    this.#you = you;
    this.isRefused = false;
  }

  /** Whether the server refuses this tab: then another tab of the person leads. */
  get isRefused() {
    return !this.#resign;
  }

  set isRefused(isRefused) {
    if (isRefused === !this.#resign) return;
    this.#resign?.();
    this.#resign = isRefused ? null : holdLock(LEADER_LOCK + this.#you, {}, (isHeld) => (this.#isLeader = isHeld));
  }

  /**
   * Show a notification for a room whose unread count has grown.
   * @param {{room: string, involvement: string, mention: number | null}} unread
   * @param {boolean} isMention whether there are more unread mentions of you
   */
  async notify({ room, involvement, mention }, isMention) {
    const isWanted = involvement === "all" || (involvement === "mentions" && isMention);
    if (!isWanted || !this.#isLeader || permission() !== "granted" || (await isViewed(room, this.#you))) return;
    await navigator.locks.request(NOTIFICATION_LOCK + room, async () => {
      const message = await this.#findMessage(room, isMention ? mention : null);
      if (message) await showNotification(room, message);
      if (message && isSoundOn()) playSound();
    });
  }

  /**
   * Close a room's notification.
   * @param {string} room
   * @param {number} [number] only if it is of this message
   */
  async close(room, number) {
    if (permission() !== "granted") return;
    const { ready } = navigator.serviceWorker;
    await navigator.locks?.request(NOTIFICATION_LOCK + room, async () => {
      for (const shown of await (await ready).getNotifications({ tag: room })) {
        if (!number || shown.data.number === number) shown.close();
      }
    });
  }

  /** Fetch the message of a number, or the last message of others in a room. */
  async #findMessage(room, number) {
    const query = number ? `before=${number + 1}&limit=1` : `limit=${RECENT_MESSAGES}`;
    const options = { signal: AbortSignal.timeout(FETCH_TIMEOUT) };
    const response = await fetch(`${roomAddress(room)}messages/?${query}`, options).catch(() => null);
    if (!response?.ok) return null;
    const { messages } = await response.json();
    return messages.findLast(({ author, deleted }) => author.id !== this.#you && !deleted);
  }
}

async function isViewed(room, you) {
  const { held } = await navigator.locks.query();
  return held.some(({ name }) => name === viewingLock(room, you));
}

function viewingLock(room, you) {
  return `${VIEWING_LOCK}${you}.${room}`;
}

/** Show a notification, in place of an earlier one of the room. The service worker handles the click. */
async function showNotification(room, { author, message, number }) {
  const registration = await navigator.serviceWorker.ready;
  await registration.showNotification(`${isolate(author.name)} · ${isolate(room)}`, {
    body: message.slice(0, MAX_LENGTH).toWellFormed(),
    tag: room,
    renotify: true,
    icon: document.querySelector("link[rel=icon]").href,
    data: { address: roomAddress(room), number },
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
