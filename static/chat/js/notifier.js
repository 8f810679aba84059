/**
 * Notifications of what is unread. All tabs of a person in a browser hear of it, and one of them, which has the lock,
 * tells: so a person is told once. A tab that the server refuses hears of nothing, and has no lock. A room that somebody is looking at, in whatever tab, is not told of. A notification is closed
 * when its message is read, edited or deleted.
 */

import { isolated } from "../../base/js/isolated.js";
import { isLoud, ring } from "./sound.js";

const NOTIFIER = "lobby.notifier.";
const LOOKING = "lobby.looking.";

/** Held while a room's notification is made or closed, so that none is shown of a message that was deleted meanwhile. */
const NOTIFICATION = "lobby.notification.";

/** How long the messages may take that are asked for (milliseconds). */
const PATIENCE = 10_000;

/** How many of a room's messages are asked for, to find what to tell of. */
const RECENT = 20;

/** How much of a message is told (characters). */
const LONGEST = 200;

/**
 * Let the person's other tabs know of a look at this one's room, as long as it lasts.
 * @param {string} room
 * @param {number} you
 */
export function tellLooking(room, you) {
  let end = null;
  const look = () => {
    const isLooking = !document.hidden && document.hasFocus();
    if (isLooking === Boolean(end)) return;
    end?.();
    end = isLooking ? hold(nameOfLook(room, you), { mode: "shared" }) : null;
  };
  for (const event of ["focus", "blur"]) addEventListener(event, look);
  document.addEventListener("visibilitychange", look);
  look();
}

export class Notifier {
  #you;
  /** @type {(() => void) | null} leaves the lock to another tab */
  #leave = null;
  #isChosen = false;

  /** @param {number} you whose id is in what names them */
  constructor(you) {
    this.#you = you;
    this.isRefused = false;
  }

  /** @param {boolean} isRefused whether the server refuses this tab: then another tab of the person tells */
  set isRefused(isRefused) {
    if (isRefused === !this.#leave) return;
    this.#leave?.();
    this.#leave = isRefused ? null : hold(NOTIFIER + this.#you, {}, (isHeld) => (this.#isChosen = isHeld));
  }

  /**
   * More is unread in a room than was.
   * @param {{room: string, involvement: string}} about
   * @param {boolean} isMention whether more of it names you
   */
  async tell({ room, involvement }, isMention) {
    const isWanted = involvement === "all" || (involvement === "mentions" && isMention);
    if (!isWanted || !this.#isChosen || !canTell() || (await isLookedAt(room, this.#you))) return;
    await navigator.locks.request(NOTIFICATION + room, async () => {
      const message = await this.#find(room, isMention);
      if (message) await show(room, message);
      if (message && isLoud()) ring();
    });
  }

  /**
   * Close a room's notification.
   * @param {string} room
   * @param {number} [number] only if it is of this message
   */
  async close(room, number) {
    if (!canTell()) return;
    const { ready } = navigator.serviceWorker;
    await navigator.locks?.request(NOTIFICATION + room, async () => {
      for (const shown of await (await ready).getNotifications({ tag: room })) {
        if (!number || shown.data.number === number) shown.close();
      }
    });
  }

  /** The last message of others in a room, or the last that names you. */
  async #find(room, isMention) {
    const options = { signal: AbortSignal.timeout(PATIENCE) };
    const response = await fetch(`${address(room)}messages/?limit=${RECENT}`, options).catch(() => null);
    if (!response?.ok) return null;
    const { messages } = await response.json();
    return messages.findLast(
      ({ author, deleted, mentions }) =>
        author.id !== this.#you && !deleted && (!isMention || mentions.some(({ id }) => id === this.#you)),
    );
  }
}

function canTell() {
  return "Notification" in window && Notification.permission === "granted" && Boolean(navigator.serviceWorker);
}

async function isLookedAt(room, you) {
  const { held } = await navigator.locks.query();
  return held.some(({ name }) => name === nameOfLook(room, you));
}

function nameOfLook(room, you) {
  return `${LOOKING}${you}.${room}`;
}

/** A later one of the same room takes the place of this. The service worker sees to the click. */
async function show(room, { author, message, number }) {
  const registration = await navigator.serviceWorker.ready;
  await registration.showNotification(`${isolated(author.name)} · ${isolated(room)}`, {
    body: message.slice(0, LONGEST).toWellFormed(),
    tag: room,
    renotify: true,
    icon: document.querySelector("link[rel=icon]").href,
    data: { address: address(room), number },
  });
}

function address(room) {
  return `/chat/${encodeURIComponent(room)}/`;
}

/**
 * Hold a lock as soon as it is free.
 * @param {string} name
 * @param {LockOptions} options
 * @param {(isHeld: boolean) => void} [onHeld] called when it is held, and when it is let go
 * @returns {() => void} let it go, also before it is held
 */
function hold(name, options, onHeld) {
  let end;
  const ended = new Promise((resolve) => (end = resolve));
  navigator.locks?.request(name, options, async () => {
    onHeld?.(true);
    await ended;
    onHeld?.(false);
  });
  return end;
}
