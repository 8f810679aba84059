/**
 * The page that is shown without a network: it looks whether there is one again, and loads what was asked for. Meanwhile
 * it offers the rooms that the service worker keeps (see its ROOMS).
 */

/** How long to wait before looking again: anything up to this, doubled each time; and for an answer (milliseconds). */
const FIRST_DELAY = 2000;
const LONGEST_DELAY = 15_000;
const PATIENCE = 15_000;

/** What a proxy answers whose server is away: see AWAY in sw.js, which shows this page then. */
const AWAY = [502, 503, 504];

const ROOMS = "lobby-rooms";
const CLIENT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const element = (id) => document.getElementById(id);

/** As in clock.js: this page stands alone. */
const language = document.documentElement.lang;
const locale = navigator.languages.find((tag) => scriptOf(tag) === scriptOf(language)) ?? language;
const short = { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" };

/** Whether this page is shown instead of another. */
const isAsked = location.pathname !== "/offline/";
const state = element("state");
let failures = 0;
let timer = 0;

element("again").addEventListener("click", async () => {
  state.textContent = state.dataset.trying;
  if (!(await look())) state.textContent = state.dataset.waiting;
});
addEventListener("online", look);
document.addEventListener("visibilitychange", () => document.hidden || look());
lookLater();
element("missing").hidden = !/^\/chat\/./.test(location.pathname);
showRooms();

/** @returns {Promise<boolean>} whether the server answers; then the page goes on */
async function look() {
  clearTimeout(timer);
  const answers = await isBack();
  if (answers) goOn();
  else lookLater();
  return answers;
}

function lookLater() {
  clearTimeout(timer);
  timer = setTimeout(look, Math.random() * Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** failures++));
}

/** Whether what was asked for is answered. A process that is alive may still refuse it. */
async function isBack() {
  const options = { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(PATIENCE) };
  const status = await fetch(isAsked ? location.href : "/", options).then((response) => response.status, () => 0);
  return status > 0 && !AWAY.includes(status);
}

function goOn() {
  if (isAsked) location.reload();
  else location.replace("/");
}

/** The rooms that can be opened now, the last to be visited first. */
async function showRooms() {
  if (!(await self.caches?.has(ROOMS))) return; // at an address that lets no worker in, there are none
  const rooms = await caches.open(ROOMS);
  const addresses = (await rooms.keys()).map(({ url }) => new URL(url)).filter(({ search }) => !search);
  const drawn = await Promise.allSettled(addresses.reverse().map(({ pathname }) => draw(rooms, pathname)));
  const cards = drawn.map(({ value }) => value).filter(Boolean); // without those that cannot be read
  element("rooms").querySelector("ul").replaceChildren(...cards);
  element("rooms").hidden = cards.length === 0;
}

async function draw(rooms, address) {
  const item = element("room").content.firstElementChild.cloneNode(true);
  const { owner, last } = await readSeen(rooms, address);
  item.firstElementChild.href = address;
  item.querySelector(".card__name").textContent = decodeURIComponent(address.split("/")[2]);
  if (last) show(item, last);
  item.querySelector(".card__about").textContent = saidOfUnsent(owner);
  return item;
}

/** Whose the room is, and its last message; nothing where that cannot be read. */
async function readSeen(rooms, address) {
  try {
    const { owner, messages } = await (await rooms.match(`${address}?seen`)).json();
    const last = messages.findLast(({ deleted }) => !deleted);
    return { owner, last: last && { name: last.author.name, text: last.message, at: new Date(last.at).toISOString() } };
  } catch {
    return {};
  }
}

function show(item, { name, text, at }) {
  const [speaker, said] = item.querySelectorAll("bdi");
  [speaker.textContent, said.textContent] = [name, text];
  item.querySelector(".card__line").hidden = false;
  item.querySelector("time").dateTime = at;
  item.querySelector("time").textContent = writeTime(new Date(at));
}

function writeTime(at) {
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

/** How much is written in a room and not sent (see outbox.js). */
function saidOfUnsent(owner) {
  const prefix = `lobby.unsent.${owner}.`;
  const isIts = (key) => key.startsWith(prefix) && CLIENT_ID.test(key.slice(prefix.length)); // and not of "room.2"
  const count = Object.keys(localStorage).filter(isIts).length;
  return count ? element("rooms").dataset.unsent.replace("{count}", count) : "";
}
