/**
 * The service worker. With a network, pages come from the server. Without one it shows the rooms that were visited
 * last, as they were last seen here, and for all else a page that says so. No code is ever stale: a room's page is kept
 * with all files that it names, under names that carry their contents' hash.
 */

const { version, page, assets, index, accounts, statics } = {{ kept|safe }};

/** The page that is shown for all else, at addresses that no other page asks for; and the caches of earlier ones. */
const SHELL_PREFIX = "lobby-offline-";
const SHELL = SHELL_PREFIX + version;

/** Rooms: each one's page, for the person whom its header names, and what was seen in it since. One person's only. */
const ROOMS = "lobby-rooms";
const PERSON = "Lobby-Person";

/** Of a guest's page: the cookie that has the guest's id, and ends with the browser. */
const GUEST = "Lobby-Guest";
const MOST_ROOMS = 20;

/** Files that rooms' pages name, and that these name. */
const FILES = "lobby-files";
const HASHED = /\.[0-9a-f]{12}\.\w+$/;
const NAMED = new RegExp(`["'(]((?:\\.{1,2}/|${statics})[^"'()\\s]+)["')]`, "g");

/** How long a page may take if there is something to show instead (milliseconds). Who reloads it waits. */
const PATIENCE = 5000;
const RELOADS = ["reload", "no-cache"];

/** What a proxy answers whose server is away. */
const AWAY = [502, 503, 504];

/** What a server answers about a room that is not for this person any more. */
const CLOSED = [403, 404, 410];

/** Grows when it becomes another person's browser: what was asked for before is not kept. */
let era = 0;

/** Tabs whose pages came from the server a moment ago: their files come as if there were no worker, which is faster. */
const fresh = new Set();

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(keepShell());
});

addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([forgetShells(), registration.navigationPreload?.enable(), clients.claim()]));
});

addEventListener("fetch", (event) => {
  const { method, mode, destination, url } = event.request;
  const { origin, pathname, search } = new URL(url);
  if (origin !== location.origin || method === "HEAD") return;
  if (method !== "GET") {
    if (accounts.some((each) => pathname.startsWith(each))) become(event); // signing in or out, or another name
  } else if (isOfTab(mode, destination)) event.respondWith(navigate(event, pathname));
  else if (assets.includes(pathname + search)) event.respondWith(shell(pathname + search));
  else if (isFile(pathname) && !fresh.has(event.clientId)) event.respondWith(file(event.request));
});

/** The server can tell a frame of another site from a tab only where the browser asks by itself. */
function isOfTab(mode, destination) {
  return mode === "navigate" && destination === "document";
}

/**
 * Another person, or another name: what is kept is theirs no more. Forms are left to the browser. What a script posts is
 * a new name, which is not theirs before the server has answered.
 */
function become(event) {
  if (event.request.mode === "navigate") event.waitUntil(forgetRooms());
  else event.respondWith(forgetAfter(event.request));
}

async function forgetAfter(request) {
  const response = await fetch(request);
  await forgetRooms();
  return response;
}

/** A room's page tells what is seen in it, and any page that its person was signed out or removed. */
addEventListener("message", (event) => {
  event.waitUntil(event.data.forget ? forgetRooms() : see(event.data, event.source));
});

/** A notification brings a tab of its room to the front, or opens one. */
addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(visit(event.notification.data.address));
});

async function visit(address) {
  const tabs = await clients.matchAll({ type: "window" });
  const tab = tabs.find(({ url }) => new URL(url).pathname === address);
  await (tab ? tab.focus() : clients.openWindow(address));
}

async function navigate(event, pathname) {
  const asked = ask(event, pathname);
  try {
    const response = await (RELOADS.includes(event.request.cache) ? asked : inTime(asked, pathname));
    const shown = (isAway(response, pathname) && (await copy(pathname))) || response;
    if (shown.url) fresh.add(event.resultingClientId); // what we have made has none
    return shown;
  } catch {
    return (await copy(pathname)) ?? shell(page);
  }
}

/** Whether a proxy answers for a server that is away. Of the index, our own 503 is shown: there is a network. */
function isAway({ status, headers }, pathname) {
  return AWAY.includes(status) && !(pathname === index && headers.has("Retry-After"));
}

/** Ask the server. What it answers is kept, however late it comes. */
function ask(event, pathname) {
  const asked = (async () => (await event.preloadResponse) ?? fetch(event.request))();
  const askedIn = era;
  const listen = (response) => hear(pathname, isRoom(pathname) ? response.clone() : response, askedIn);
  event.waitUntil(asked.then(listen).catch(() => {}));
  return asked;
}

/** The answer, or what there is instead once it has taken too long. */
function inTime(asked, pathname) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(async () => {
      const instead = await copy(pathname);
      if (instead) resolve(instead);
    }, PATIENCE);
    asked.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** What can be shown of an address without a network: a room as it was seen last; for the index, what rooms there are. */
async function copy(pathname) {
  await forgetGuest();
  const rooms = await caches.open(ROOMS);
  if (pathname === index) return (await rooms.keys()).length ? shell(page) : null;
  const room = await spellingOf(roomOf(pathname));
  const response = await rooms.match(room);
  if (!response) return null;
  const text = await response.text();
  if (!(await isWhole(text))) return forget(room);
  return new Response(asSeen(text, await readSeen(rooms, room)), response);
}

const DATA = /(<script id="room-data" type="application\/json">)(.*?)(<\/script>)/s;

/** A room's page that opens with what was seen since it was made. */
function asSeen(text, seen) {
  return text.replace(DATA, (_, begin, json, end) => {
    const data = JSON.parse(json);
    const isLater = seen && seen.seq >= data.seq && (!data.epoch || seen.epoch === data.epoch);
    const shown = { ...data, ...(isLater && { ...seen, place: null }), is_copy: true };
    return begin + JSON.stringify(shown).replaceAll("<", "\\u003c") + end;
  });
}

{% include "sw/rooms.js" %}
{% include "sw/files.js" %}
{% include "sw/shell.js" %}
