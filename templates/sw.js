/**
 * Service worker. With a network, pages come from the server. Without one it shows the rooms that were visited last, in
 * their last known state, and an offline page for all other addresses. Code is never stale: a room's page is cached with
 * all files that it references, whose names contain hashes of their contents.
 */

const { version, page, assets, index, accounts, statics } = {{ kept|safe }};

/** Cache of the offline page and its files, at addresses that no other page uses; earlier ones have the same prefix. */
const SHELL_PREFIX = "lobby-offline-";
const SHELL = SHELL_PREFIX + version;

/** Cache of rooms: for each room its page, and its latest snapshot. All are of one person, whom a header names. */
const ROOMS = "lobby-rooms";
const PERSON = "Lobby-Person";

/** Header of a guest's page: the name of a session cookie with the guest's id. */
const GUEST = "Lobby-Guest";
const MAX_ROOMS = 20;

/** Cache of the files that rooms' pages reference, directly or through other files. */
const FILES = "lobby-files";
const HASHED = /\.[0-9a-f]{12}\.\w+$/;
const REFERENCE = new RegExp(`["'(]((?:\\.{1,2}/|${statics})[^"'()\\s]+)["')]`, "g");

/** Time limit for a page that is cached (milliseconds). A reload by the person waits longer. */
const RESPONSE_TIMEOUT = 5000;
const RELOADS = ["reload", "no-cache"];

/** Time limit for a tab to say which room is open there (milliseconds). */
const ANSWER_TIMEOUT = 500;

/** Status codes of a proxy whose server is unavailable. */
const AWAY = [502, 503, 504];

/** Status codes for a room to which the person has no access any more. */
const CLOSED = [403, 404, 410];

/** Where a person leaves a private room, which is no longer theirs to read. */
const LEAVING = /^\/chat\/[^/]+\/members\/leave\/$/;

/** Grows when the browser's person changes: responses to earlier requests are not cached. */
let era = 0;

/** Tabs whose pages have just come from the server: their files bypass the worker, which is faster. */
const fresh = new Set();

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(keepShell());
});

addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([forgetShells(), setPreload(), clients.claim()]));
});

/** Let pages load while the worker starts. If that fails, Firefox shows its own error page whatever the worker responds. */
function setPreload() {
  const { navigationPreload } = registration;
  return navigator.userAgent.includes("Firefox/") ? navigationPreload?.disable() : navigationPreload?.enable();
}

addEventListener("fetch", (event) => {
  const { method, mode, destination, url } = event.request;
  const { origin, pathname, search } = new URL(url);
  if (origin !== location.origin || method === "HEAD") return;
  if (method !== "GET") {
    if (accounts.some((each) => pathname.startsWith(each))) personChanged(event); // sign-in, sign-out, or another name
    else if (LEAVING.test(pathname)) event.waitUntil(forget(roomOf(pathname.replace("members/leave/", ""))));
  } else if (isOfTab(mode, destination) || isOpenedInPlace(event.request)) event.respondWith(navigate(event, pathname));
  else if (assets.includes(pathname + search)) event.respondWith(shell(pathname + search));
  else if (isFile(pathname) && !fresh.has(event.clientId)) event.respondWith(file(event.request));
});

/** Whether a tab requests a page. Requests of frames are left to the browser, so that the server can refuse other sites. */
function isOfTab(mode, destination) {
  return mode === "navigate" && destination === "document";
}

/** Whether a page requests a room to show it in place: see room-navigation.js. */
function isOpenedInPlace({ headers, url }) {
  return headers.get("Accept") === "text/html" && isRoom(new URL(url).pathname);
}

/**
 * Delete the cached rooms: the person or the display name changes. Form submissions are left to the browser. A script posts
 * a new name: the rooms are deleted after the response, since only then the name is changed.
 */
function personChanged(event) {
  if (event.request.mode === "navigate") event.waitUntil(forgetRooms());
  else event.respondWith(forgetAfter(event.request));
}

async function forgetAfter(request) {
  const response = await fetch(request);
  await forgetRooms();
  return response;
}

/** Messages of pages: a snapshot of a room; that the person has left a private room, or which ones remain; or was signed out or removed. */
addEventListener("message", (event) => {
  const { forget: person, left, members } = event.data;
  if (left) event.waitUntil(forget(roomOf(left)));
  else if (members) event.waitUntil(forgetOthers(members));
  else event.waitUntil(person ? forgetRoomsOf(person) : keepSnapshot(event.data, event.source));
});

/** A click on a notification focuses the tab in which its room is open, or opens the room in the tab used last, or in a new one. */
addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openRoom(event.notification.data.address));
});

async function openRoom(address) {
  const tabs = await clients.matchAll({ type: "window" }); // the last used first
  const rooms = await Promise.all(tabs.map(roomIn));
  const index = [rooms.indexOf(address), rooms.findIndex(Boolean)].find((each) => each >= 0);
  if (index === undefined) return clients.openWindow(address);
  await tabs[index].focus();
  if (rooms[index] !== address) tabs[index].postMessage({ open: address });
}

/** The address of the room that is open in a tab, or null: rooms open in place, so the tab's URL may be that of another. */
function roomIn(tab) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    setTimeout(() => resolve(null), ANSWER_TIMEOUT);
    tab.postMessage({}, [port2]);
  });
}

async function navigate(event, pathname) {
  const requested = request(event, pathname);
  try {
    const response = await (RELOADS.includes(event.request.cache) ? requested : inTime(requested, pathname));
    const shown = (isAway(response, pathname) && (await cachedPage(pathname))) || response;
    if (shown.url && event.resultingClientId) fresh.add(event.resultingClientId); // responses made by the worker have no URL
    return shown;
  } catch {
    return (await cachedPage(pathname).catch(() => null)) ?? shell(page);
  }
}

/** Whether a proxy answers for an unavailable server. The index's own 503 is shown: the network works. */
function isAway({ status, headers }, pathname) {
  return AWAY.includes(status) && !(pathname === index && headers.has("Retry-After"));
}

/** Request a page from the server. The response is cached, however late it arrives. */
function request(event, pathname) {
  const requested = (async () => (await event.preloadResponse) ?? fetch(event.request))();
  const requestedIn = era;
  const keep = (response) => received(pathname, isRoom(pathname) ? response.clone() : response, requestedIn);
  event.waitUntil(requested.then(keep).catch(() => {}));
  return requested;
}

/** The response, or the cached page after the time limit. */
function inTime(requested, pathname) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(async () => {
      const cached = await cachedPage(pathname).catch(() => null);
      if (cached) resolve(cached);
    }, RESPONSE_TIMEOUT);
    requested.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** The page for an address without a network: a room as it was seen last; for the index, the list of cached rooms. */
async function cachedPage(pathname) {
  await forgetGuest();
  const rooms = await caches.open(ROOMS);
  if (pathname === index) return (await rooms.keys()).length ? shell(page) : null;
  const room = await canonical(roomOf(pathname));
  const response = await rooms.match(room);
  if (!response) return null;
  const text = await response.text();
  if (!(await isComplete(text))) return forget(room);
  return new Response(withSnapshot(text, await readSnapshot(rooms, room)), response);
}

const DATA = /(<script id="room-data" type="application\/json">)(.*?)(<\/script>)/s;

/** The data of a room's page. */
function dataOf(text) {
  return JSON.parse(DATA.exec(text)[2]);
}

/** Insert a snapshot into a room's page. */
function withSnapshot(text, snapshot) {
  return text.replace(DATA, (_, begin, json, end) => {
    const data = JSON.parse(json);
    const isLater = snapshot && snapshot.seq >= data.seq && (!data.epoch || snapshot.epoch === data.epoch);
    const shown = { ...data, ...(isLater && { ...snapshot, place: null }), is_copy: true };
    return begin + JSON.stringify(shown).replaceAll("<", "\\u003c") + end;
  });
}

{% include "sw/rooms.js" %}
{% include "sw/files.js" %}
{% include "sw/shell.js" %}
