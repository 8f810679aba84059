// Cache of rooms: part of the service worker.

const NO_ROOM = "/nothing/";

/** The address of a room, from that of its page or of a message in it. */
function roomOf(pathname) {
  const [, name] = /^\/chat\/([^/]+)\/(?:\d+\/)?$/.exec(pathname) ?? [];
  try {
    return name ? `/chat/${encodeURIComponent(decodeURIComponent(name))}/` : NO_ROOM;
  } catch {
    return NO_ROOM; // invalid UTF-8
  }
}

/** The address under which a room is cached: the server redirects other spellings to it. */
async function canonical(room) {
  const fold = (address) => decodeURIComponent(address).normalize("NFKC").toLowerCase();
  const cached = await cachedRooms();
  return cached.includes(room) ? room : (cached.find((each) => fold(each) === fold(room)) ?? room);
}

function isRoom(pathname) {
  return roomOf(pathname) !== NO_ROOM;
}

function snapshotOf(room) {
  return `${room}?seen`;
}

/** Read the snapshot of a room; null if there is none, or if it is invalid. */
async function readSnapshot(rooms, room) {
  const snapshot = await (await rooms.match(snapshotOf(room)))?.json().catch(() => null);
  const isValid = Number.isInteger(snapshot?.seq) && Array.isArray(snapshot.messages) && snapshot.messages.every(isMessage);
  return isValid ? snapshot : null;
}

function isMessage(value) {
  const texts = [value?.message, value?.author?.name, value?.client_id];
  return Number.isInteger(value?.number) && texts.every((each) => typeof each === "string") && Date.parse(value.at) > 0;
}

/** A page has arrived: note the browser's person, and cache a room's page under the address to which the server has redirected. */
async function received(requested, response, requestedIn) {
  const pathname = response.url ? new URL(response.url).pathname : requested;
  const person = response.headers.get(PERSON);
  const receivedIn = person === null ? requestedIn : await checkPerson(person, requestedIn);
  if (!isRoom(pathname)) return;
  if (isClosed(pathname, response)) await forget(roomOf(pathname));
  else if (response.ok && person) await keep(roomOf(pathname), response, receivedIn);
}

/** Whether a response means that a room is closed. A missing message does not mean that its room is. */
function isClosed(pathname, { status }) {
  return CLOSED.includes(status) && !(status === 404 && /^\/chat\/[^/]+\/\d+\/$/.test(pathname));
}

/** Delete the cached rooms of another person. @returns {Promise<number>} the era of the response */
async function checkPerson(person, requestedIn) {
  const rooms = await caches.open(ROOMS);
  const [first] = await rooms.keys();
  const cached = first && (await rooms.match(first));
  const isOther = cached && cached.headers.get(PERSON) !== person;
  return isOther && requestedIn === era ? forgetRooms() : requestedIn;
}

/** Delete the rooms of a guest whose session has ended. Browsers without CookieStore cannot know that. */
async function forgetGuest() {
  const [first] = await cachedRooms();
  const { headers } = (first && (await (await caches.open(ROOMS)).match(first))) ?? new Response();
  if (!headers.has(GUEST) || !self.cookieStore) return;
  const cookie = await cookieStore.get(headers.get(GUEST));
  if (cookie?.value !== headers.get(PERSON)) await forgetRooms();
}

/** Delete the data of a person, unless the cached rooms are another's. @param {string | true} person */
async function forgetRoomsOf(person) {
  const rooms = await caches.open(ROOMS);
  const [first] = await rooms.keys();
  const owner = first && (await rooms.match(first))?.headers.get(PERSON);
  if (!owner || person === true || owner === person) await forgetRooms();
}

/** Delete all data of the person: the cached rooms, and the notifications. */
async function forgetRooms() {
  const now = ++era;
  await caches.delete(ROOMS);
  for (const shown of (await registration.getNotifications?.()) ?? []) shown.close();
  return now;
}

async function forget(room) {
  const rooms = await caches.open(ROOMS);
  await Promise.all([rooms.delete(room), rooms.delete(snapshotOf(room))]);
}

/** Delete the cached private rooms of which the person is no longer a member. @param {string[]} members their rooms' addresses */
async function forgetOthers(members) {
  const isOther = (room) => room.startsWith("/chat/~") && !members.includes(room);
  for (const room of (await cachedRooms()).filter(isOther)) await forget(room);
}

async function keep(room, response, receivedIn) {
  const text = await response.text();
  await navigator.locks.request(FILES, async () => {
    const rooms = await caches.open(ROOMS);
    const before = await (await rooms.match(room))?.text();
    const hasNewFiles = fileTags(before ?? "") !== fileTags(text) && (await keepFiles(text));
    if (receivedIn === era) {
      await rooms.put(room, new Response(text, { headers: response.headers }));
      await deleteLost(rooms, room, dataOf(text));
    }
    if (hasNewFiles) await deleteUnusedFiles();
  });
  const pages = await cachedRooms();
  await Promise.all(pages.slice(0, -MAX_ROOMS).map(forget));
}

/** Delete a snapshot that is ahead of its room's page: the database was restored, or the page's tab sends a newer one. */
async function deleteLost(rooms, room, { epoch, seq }) {
  const snapshot = await readSnapshot(rooms, room);
  if (snapshot?.epoch === epoch && snapshot.seq > seq) await rooms.delete(snapshotOf(room));
}

/** @returns {Promise<string[]>} the addresses of cached rooms, the last visited last */
async function cachedRooms() {
  const rooms = await caches.open(ROOMS);
  const addresses = (await rooms.keys()).map(({ url }) => new URL(url));
  return addresses.filter(({ search }) => !search).map(({ pathname }) => pathname);
}

const fetched = new Set();

/**
 * Store a room's snapshot. A page that was opened before this worker was installed, or before a change of the name, is
 * fetched and cached first, but only while its tab is visible: a hidden one may be signing out.
 */
async function keepSnapshot({ room, you, seen, isReset }, tab) {
  if (!(await ownPage(room, you)) && tab?.visibilityState === "visible") await fetchPage(room, you);
  const rooms = await ownPage(room, you);
  const before = rooms && (await readSnapshot(rooms, room));
  const isBehind = !isReset && before?.epoch === seen.epoch && before.seq > seen.seq; // of a tab without a connection
  if (!rooms || isBehind) return;
  await rooms.put(snapshotOf(room), new Response(JSON.stringify(seen), { headers: { [PERSON]: you } }));
}

/** The cache of rooms, if it has the person's page of this room. */
async function ownPage(room, you) {
  const rooms = await caches.open(ROOMS);
  const response = await rooms.match(room);
  return response?.headers.get(PERSON) === String(you) ? rooms : null;
}

async function fetchPage(room, you) {
  const requestedIn = era;
  if (fetched.has(room + era)) return;
  fetched.add(room + era);
  const response = await fetch(room, { cache: "no-store" }).catch(() => null);
  if (response?.headers.get(PERSON) === String(you)) await received(room, response, requestedIn);
}
