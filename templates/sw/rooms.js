// What is kept of rooms: part of the service worker.

const NOTHING = "/nothing/";

/** A room's address, from that of its page or of a message in it. */
function roomOf(pathname) {
  const [, name] = /^\/chat\/([^/]+)\/(?:\d+\/)?$/.exec(pathname) ?? [];
  try {
    return name ? `/chat/${encodeURIComponent(decodeURIComponent(name))}/` : NOTHING;
  } catch {
    return NOTHING; // it is no UTF-8
  }
}

/** The address under which a room is kept: the server redirects other spellings to it. */
async function spellingOf(room) {
  const fold = (address) => decodeURIComponent(address).normalize("NFKC").toLowerCase();
  return (await keptPages()).find((kept) => fold(kept) === fold(room)) ?? room;
}

function isRoom(pathname) {
  return roomOf(pathname) !== NOTHING;
}

function seenIn(room) {
  return `${room}?seen`;
}

/** What was seen in a room since its page was made; null where there is nothing, or it cannot be read. */
async function readSeen(rooms, room) {
  const seen = await (await rooms.match(seenIn(room)))?.json().catch(() => null);
  const isRight = Number.isInteger(seen?.seq) && Array.isArray(seen.messages) && seen.messages.every(isMessage);
  return isRight ? seen : null;
}

function isMessage(value) {
  const texts = [value?.message, value?.author?.name, value?.client_id];
  return Number.isInteger(value?.number) && texts.every((each) => typeof each === "string") && Date.parse(value.at) > 0;
}

/** Learn from the server's answer for whom this browser is now, and keep a room's page. */
async function hear(pathname, response, askedIn) {
  const person = response.headers.get(PERSON);
  const heardIn = person === null ? askedIn : await belongTo(person, askedIn);
  if (!isRoom(pathname)) return;
  if (isClosed(pathname, response)) await forget(roomOf(pathname));
  else if (response.ok && person) await keep(roomOf(pathname), response, heardIn);
}

/** Whether an answer says that a room is closed. A message that is not found says nothing of its room. */
function isClosed(pathname, { status }) {
  return CLOSED.includes(status) && !(status === 404 && /^\/chat\/[^/]+\/\d+\/$/.test(pathname));
}

/** Whoever this browser is for: what is kept is not for others. @returns {Promise<number>} the era of the answer */
async function belongTo(person, askedIn) {
  const rooms = await caches.open(ROOMS);
  const [first] = await rooms.keys();
  const kept = first && (await rooms.match(first));
  const isOther = kept && kept.headers.get(PERSON) !== person;
  return isOther && askedIn === era ? forgetRooms() : askedIn;
}

/** Forget the rooms of a guest whose session has ended. A browser without CookieStore cannot tell. */
async function forgetGuest() {
  const [first] = await keptPages();
  const { headers } = (first && (await (await caches.open(ROOMS)).match(first))) ?? new Response();
  if (!headers.has(GUEST) || !self.cookieStore) return;
  const cookie = await cookieStore.get(headers.get(GUEST));
  if (cookie?.value !== headers.get(PERSON)) await forgetRooms();
}

/** Forget what was one person's: their rooms, and what notifications say of them. */
async function forgetRooms() {
  const now = ++era;
  await caches.delete(ROOMS);
  for (const shown of (await registration.getNotifications?.()) ?? []) shown.close();
  return now;
}

async function forget(room) {
  const rooms = await caches.open(ROOMS);
  await Promise.all([rooms.delete(room), rooms.delete(seenIn(room))]);
}

async function keep(room, response, heardIn) {
  const text = await response.text();
  await navigator.locks.request(FILES, async () => {
    const rooms = await caches.open(ROOMS);
    const before = await (await rooms.match(room))?.text();
    const isMore = filesNamedIn(before ?? "") !== filesNamedIn(text) && (await keepFiles(text));
    if (heardIn === era) await rooms.put(room, new Response(text, { headers: response.headers }));
    if (isMore) await sweep();
  });
  const pages = await keptPages();
  await Promise.all(pages.slice(0, -MOST_ROOMS).map(forget));
}

/** @returns {Promise<string[]>} the rooms whose pages are kept; that which was visited last is the last */
async function keptPages() {
  const rooms = await caches.open(ROOMS);
  const addresses = (await rooms.keys()).map(({ url }) => new URL(url));
  return addresses.filter(({ search }) => !search).map(({ pathname }) => pathname);
}

const tried = new Set();

/**
 * Somebody sees this in a room now. A page that was there before this worker, or before another name, is kept as well;
 * only while it is looked at, since who leaves it may be signing out.
 */
async function see({ room, you, seen }, tab) {
  if (!(await ownPage(room, you)) && tab?.visibilityState === "visible") await fetchPage(room, you);
  const rooms = await ownPage(room, you);
  const before = rooms && (await readSeen(rooms, room));
  const isBehind = before?.epoch === seen.epoch && before.seq > seen.seq; // a tab that has no connection
  if (!rooms || isBehind) return;
  await rooms.put(seenIn(room), new Response(JSON.stringify(seen), { headers: { [PERSON]: you } }));
}

/** Where rooms are kept, if that person's page of this one is. */
async function ownPage(room, you) {
  const rooms = await caches.open(ROOMS);
  const response = await rooms.match(room);
  return response?.headers.get(PERSON) === String(you) ? rooms : null;
}

async function fetchPage(room, you) {
  const askedIn = era;
  if (tried.has(room + era)) return;
  tried.add(room + era);
  const response = await fetch(room, { cache: "no-store" }).catch(() => null);
  if (response?.headers.get(PERSON) === String(you)) await hear(room, response, askedIn);
}
