/**
 * Offline page: shown without a network. It polls the server, and loads the requested page once the server answers.
 * Meanwhile it lists the rooms that the service worker has cached (see ROOMS there).
 */

// At this address the service worker has it.
import { backoff } from "./backoff.js?offline";

/** Backoff of the checks (milliseconds). */
const FIRST_DELAY = 2000;
const LONGEST_DELAY = 15_000;
const RESPONSE_TIMEOUT = 15_000;

/** Status codes of a proxy whose server is unavailable: see AWAY in sw.js, which shows this page then. */
const AWAY = [502, 503, 504];

const ROOMS = "lobby-rooms";
const CLIENT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const element = (id) => document.getElementById(id);

/** As in time-format.js: the service worker has few modules for this page. */
const language = document.documentElement.lang;
const locale = navigator.languages.find((tag) => scriptOf(tag) === scriptOf(language)) ?? language;
const short = { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" };

/** Whether this page is shown in place of another one. */
const isReplacement = location.pathname !== "/offline/";
const state = element("state");
let failures = 0;
let timer = 0;

element("again").addEventListener("click", async () => {
  state.textContent = state.dataset.trying;
  if (!(await check())) state.textContent = state.dataset.waiting;
});
addEventListener("online", check);
document.addEventListener("visibilitychange", () => document.hidden || check());
scheduleCheck();
element("missing").hidden = !/^\/chat\/./.test(location.pathname);
showRooms();

/** Load the requested page if the server answers. @returns {Promise<boolean>} whether it does */
async function check() {
  clearTimeout(timer);
  const answers = await isBack();
  if (answers) loadPage();
  else scheduleCheck();
  return answers;
}

function scheduleCheck() {
  clearTimeout(timer);
  timer = setTimeout(check, backoff(failures++, FIRST_DELAY, LONGEST_DELAY));
}

/** Whether the server answers the requested page. A process that is alive may still refuse it. */
async function isBack() {
  const options = { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(RESPONSE_TIMEOUT) };
  const status = await fetch(isReplacement ? location.href : "/", options).then((response) => response.status, () => 0);
  return status > 0 && !AWAY.includes(status);
}

function loadPage() {
  if (isReplacement) location.reload();
  else location.replace("/");
}

/** Show the cached rooms, the last visited first. */
async function showRooms() {
  if (!(await self.caches?.has(ROOMS))) return; // insecure origins have no service worker, and no caches
  const rooms = await caches.open(ROOMS);
  const addresses = (await rooms.keys()).map(({ url }) => new URL(url)).filter(({ search }) => !search);
  const rendered = await Promise.allSettled(addresses.reverse().map(({ pathname }) => renderCard(rooms, pathname)));
  const cards = rendered.map(({ value }) => value).filter(Boolean); // without those that cannot be read
  element("rooms").querySelector("ul").replaceChildren(...cards);
  element("rooms").hidden = cards.length === 0;
}

async function renderCard(rooms, address) {
  const item = element("room").content.firstElementChild.cloneNode(true);
  const { owner, last, title = await readTitle(rooms, address) } = await readSnapshot(rooms, address);
  item.firstElementChild.href = address;
  item.querySelector(".card__name").textContent = title || decodeURIComponent(address.split("/")[2]);
  if (last) showLastMessage(item, last);
  item.querySelector(".card__about").textContent = unsentText(owner);
  return item;
}

/** Read the storage owner of a cached room, its title and its last message; nothing if that is unreadable. */
async function readSnapshot(rooms, address) {
  try {
    const { owner, title, messages } = await (await rooms.match(`${address}?seen`)).json();
    const last = messages.findLast(({ deleted, event }) => !deleted && !event);
    return { owner, title, last: last && { name: last.author.name, text: last.message, at: new Date(last.at).toISOString() } };
  } catch {
    return {};
  }
}

/** Read the title of a private room from its cached page: of an open room it is empty. */
async function readTitle(rooms, address) {
  const page = await (await rooms.match(address)).text();
  return JSON.parse(new DOMParser().parseFromString(page, "text/html").getElementById("room-data").textContent).title;
}

function showLastMessage(item, { name, text, at }) {
  const [author, message] = item.querySelectorAll("bdi");
  [author.textContent, message.textContent] = [name, text];
  item.querySelector(".card__line").hidden = false;
  item.querySelector("time").dateTime = at;
  item.querySelector("time").textContent = formatTime(new Date(at));
}

function formatTime(at) {
  const isThisYear = at.getFullYear() === new Date().getFullYear();
  return at.toLocaleString(locale, { ...short, ...(!isThisYear && { year: "numeric" }) });
}

/** @returns {string | null} null for an invalid tag: some systems have "en-US@posix" or "c" */
function scriptOf(tag) {
  try {
    const { language, script } = new Intl.Locale(tag).maximize();
    return `${language}-${script}`;
  } catch {
    return null;
  }
}

/** Count the unsent messages of a room (see outbox.js). */
function unsentText(owner) {
  const prefix = `lobby.unsent.${owner}.`;
  const isUnsent = (key) => key.startsWith(prefix) && CLIENT_ID.test(key.slice(prefix.length)); // and not of "room.2"
  const count = Object.keys(localStorage).filter(isUnsent).length;
  return count ? element("rooms").dataset.unsent.replace("{count}", count) : "";
}
