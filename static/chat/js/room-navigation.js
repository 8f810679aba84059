/**
 * Navigation between rooms without loading a whole page: the room's parts of the document are replaced. A room that was
 * left is shown again as it was, and its session sends what was missed. What cannot be shown in place (errors, another
 * person's page, another version of Lobby) is loaded as a whole page.
 */

import { hasModifier } from "../../base/js/shortcut-keys.js";
import { insertText } from "./composer/insert-text.js";
import { OpenRoom } from "./open-room.js";
import { isRoomAddress, nameIn } from "./room-address.js";
import { readRoomPage, showRoomPage } from "./room-page.js";
import { typeAhead } from "./sidebar/type-ahead.js";
import { findPlace } from "./timeline/kept-place.js";

/** Time limit for a room's page (milliseconds). */
const FETCH_TIMEOUT = 10_000;

/** How many rooms are kept. */
const MAX_KEPT = 20;

/** On phones the focus would open the keyboard. */
const onScreenKeyboard = matchMedia("(hover: none) and (pointer: coarse)");

/**
 * A room's page from the server, or one that was kept.
 * @typedef {import("./room-page.js").RoomPage & {address: string, place: Place | null}} Page
 * @typedef {import("./timeline/timeline.js").Place} Place
 * @typedef {import("./sidebar/type-ahead.js").Typed} Typed
 */

export class RoomNavigation {
  #page;
  #room;
  #connection;
  #connect;
  #search;
  /** @type {Map<string, Page>} rooms that were left, by their address, the last one last */
  #kept = new Map();
  /** @type {{address: string} | null} the request for the room that is being loaded */
  #loading = null;
  /** @type {ReturnType<typeof typeAhead> | null} the buffer for what is typed while a room is loading */
  #ahead = null;

  /** @type {(room: OpenRoom, rooms?: Element) => void} called when another room is open; with the sidebar's list of rooms, if the page came from the server */
  onOpen = () => {};

  /**
   * @param {import("./room-page.js").RoomPage} page
   * @param {OpenRoom} room
   * @param {(room: OpenRoom) => ReturnType<typeof import("./room.js").connectRoom>} connect
   * @param {HTMLInputElement} search the sidebar's search field, read-only while a room is loading
   */
  constructor(page, room, connect, search) {
    this.#page = page;
    this.#room = room;
    this.#connect = connect;
    this.#search = search;
    this.#connection = connect(room);
    document.addEventListener("click", (event) => this.#clicked(event));
    addEventListener("popstate", () => this.#open(location.href, true));
  }

  /** The session of the open room. */
  get session() {
    return this.#connection.session;
  }

  /** The address of the open room. */
  get address() {
    return this.#room.address;
  }

  /** The title of the open room's page. */
  get title() {
    return this.#room.pageTitle ?? this.#page.title;
  }

  /**
   * Open a room, or another page.
   * @param {string} address
   * @param {Typed} [typed] what was typed for it
   */
  open(address, typed) {
    this.#open(new URL(address, location.href).href, false, typed);
  }

  /** Open a clicked link to a room in place, unless it opens in a new tab or is downloaded. */
  #clicked(event) {
    const link = event.target.closest("a[href]");
    const isPlain = !event.defaultPrevented && !event.button && !hasModifier(event);
    if (!link || !isPlain || link.target || link.hasAttribute("download") || !isRoomAddress(link.href)) return;
    event.preventDefault();
    this.#open(link.href, false);
  }

  /**
   * @param {string} href
   * @param {boolean} isTraversal whether the browser shows this address already (Back, Forward)
   * @param {Typed} [typed]
   */
  async #open(href, isTraversal, typed) {
    const address = addressOf(href);
    if (address === this.#loading?.address && !typed && !isTraversal) return; // a second click
    this.#loading = null;
    this.#ahead?.end();
    this.#ahead = null;
    if (this.session.refusal) { // the browser may have another person by now
      if (typed) typeAhead(this.#search, nameIn(href), typed);
      return load(href, isTraversal);
    }
    if (!isTraversal && address === this.#room.address) return this.#showEnd(typed);
    let page = this.#kept.get(address);
    if (!page) {
      this.#ahead = typeAhead(this.#search, nameIn(href), typed);
      const loading = (this.#loading = { address });
      page = isRoomAddress(href) ? await fetchRoom(href, isTraversal) : null;
      if (loading !== this.#loading) return; // another one was asked for
      this.#loading = null;
      if (!page || !this.#fits(page)) return load(href, isTraversal);
    }
    this.#show(page, isTraversal, this.#ahead?.take() ?? typed);
  }

  /** @param {Typed} [typed] */
  #showEnd(typed) {
    this.#connection.toEnd();
    if (location.pathname !== this.address) history.pushState(null, "", this.address); // Back to a slow page was given up
    if (typed?.text) insertText(composerInput(), typed.text);
    this.onOpen(this.#room);
  }

  /** Whether a page is of this version of Lobby, and of this person. */
  #fits({ files, data }) {
    return files === this.#page.files && data.you.id === this.#room.data.you.id;
  }

  #show(page, isTraversal, typed) {
    this.#keep();
    this.#page = page;
    showRoomPage(page);
    focusComposer(typed);
    this.#ahead = null;
    if (!isTraversal) history.pushState(null, "", page.address);
    this.#room = new OpenRoom(page.data, page.place);
    this.#kept.delete(this.#room.address);
    this.#connection = this.#connect(this.#room);
    this.onOpen(this.#room, page.rooms);
  }

  /** Leave the open room, and keep it. */
  #keep() {
    const kept = this.#connection.leave();
    if (!kept) return;
    const { address } = this.#room;
    this.#kept.set(address, { ...this.#page, ...kept, address, rooms: undefined });
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value);
  }
}

/** The path of an address, in the spelling of `OpenRoom.address`. */
function addressOf(href) {
  const { pathname } = new URL(href);
  try {
    return pathname.split("/").map(decodeURIComponent).map(encodeURIComponent).join("/");
  } catch {
    return pathname; // invalid UTF-8
  }
}

/** Give the focus to the composer, with what was typed for it. @param {Typed} [typed] */
function focusComposer(typed) {
  const input = composerInput();
  if (typed) {
    input.value = typed.text;
    input.dataset.enters = typed.enters.join(" ");
  }
  if (onScreenKeyboard.matches) document.getElementById("timeline").focus({ preventScroll: true });
  else input.focus({ preventScroll: true });
}

function composerInput() {
  return /** @type {HTMLTextAreaElement} */ (document.getElementById("chat-message-input"));
}

/** Load an address as a whole page. */
function load(href, isTraversal) {
  if (isTraversal) location.reload();
  else location.assign(href);
}

/**
 * @param {string} href
 * @param {boolean} isTraversal whether this is Back or Forward, which lead to the stored position
 * @returns {Promise<Page | null>} null if the page cannot be fetched, or shows no room
 */
async function fetchRoom(href, isTraversal) {
  const options = { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(FETCH_TIMEOUT) };
  const response = await fetch(href, options).catch(() => null);
  if (!response?.ok) return null;
  const text = await response.text().catch(() => "");
  const page = readRoomPage(new DOMParser().parseFromString(text, "text/html"));
  if (!page) return null;
  const address = new URL(response.url).pathname;
  return { ...page, address, place: isTraversal ? await findPlace(page.data, address) : null };
}
