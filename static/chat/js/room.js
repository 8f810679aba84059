/** A room's parts: creates them, and connects them with each other, with the session and with the rest of the page. */

import { ConnectionState, refusalText } from "../../base/js/connection-state.js";
import { refreshCsrfTokens } from "../../base/js/form-post.js";
import { gettext } from "../../base/js/i18n.js";
import { DELETED, REMOVED, SIGNED_OUT } from "../../base/js/reconnecting-socket.js";
import { Retry } from "../../base/js/retry.js";
import { watchSaving } from "../../base/js/storage.js";
import { forgetAccount, rememberAccount } from "./account/account-registry.js";
import { claimDrafts } from "./account/signed-out-draft.js";
import { Composer } from "./composer/composer.js";
import { listenForComposerKeys } from "./composer/composer-keys.js";
import { Draft } from "./composer/draft.js";
import { refuseFiles } from "./composer/dropped-files.js";
import { takeEarlyTexts } from "./composer/early-text.js";
import { EmojiPicker } from "./composer/emoji-picker.js";
import { insertText } from "./composer/insert-text.js";
import { Shortcodes } from "./composer/shortcodes.js";
import { Typeahead } from "./composer/typeahead.js";
import { emojiSource, peopleSource } from "./composer/typeahead-sources.js";
import { EditDraft } from "./editing/edit-draft.js";
import { MessageDeletion } from "./editing/message-deletion.js";
import { MessageEditor } from "./editing/message-editor.js";
import { CONFLICT, PendingCommands } from "./editing/pending-commands.js";
import { Announcer } from "./notifications/announcer.js";
import { shareViewing } from "./notifications/desktop-notifications.js";
import { NotificationSettings } from "./notifications/notification-settings.js";
import { OfflineSnapshot } from "./offline-snapshot.js";
import { watchUnsent } from "./outbox/outbox.js";
import { UnsentMessages } from "./outbox/unsent-messages.js";
import { People } from "./presence/people.js";
import { PersonCard } from "./presence/person-card.js";
import { TypingIndicator } from "./presence/typing-indicator.js";
import { RoomHeader, settingsOf } from "./room-header.js";
import { connectRoomMenu } from "./room-menu.js";
import { Session } from "./session.js";
import { findOwnRoom } from "./sidebar/sidebar-menu.js";
import { copyCode, copyLink, copyMessage } from "./timeline/copying.js";
import { formatCopiedMessages } from "./timeline/copy-formatter.js";
import { connectFolding } from "./timeline/folding.js";
import { MessageActions } from "./timeline/message-actions.js";
import { hasText } from "./timeline/message-element.js";
import { keepLastSeen } from "./unread/last-seen.js";
import { ReadTracker } from "./unread/read-tracker.js";
import { followPerson } from "./unread/unread-counts.js";

/** How often the page looks whether the composer is free for drafts that other people have left (milliseconds). */
const CLAIM_INTERVAL = 1000;

const element = (id) => document.getElementById(id);

/** Without cookies each request makes another guest. A guest's page sets one that scripts can read; a cached page may not. */
function hasCookies({ you, is_copy: isCopy }) {
  return isCopy || !you.guest || document.cookie !== "";
}

/** Among how many of the room's last messages the arrow up finds the person's newest one. */
const OWN_SEARCH_LIMIT = 200;

const OFFLINE = gettext("You're offline. Messages will send when you're back.");
const NO_ACCESS = gettext("You no longer have access. Reload the page.");
const TEXTS = {
  [REMOVED]: NO_ACCESS,
  [DELETED]: NO_ACCESS,
  4404: gettext("That room name isn't allowed."),
  4429: gettext("You've created too many rooms. Try again later."),
};
/** In a private room the person may have been removed, and the page is gone. */
const NOT_A_MEMBER = gettext("You're no longer a member of this room.");
const TEXTS_OF_MEMBERS = { [REMOVED]: NOT_A_MEMBER, 4404: NOT_A_MEMBER };
const EXITS_OF_MEMBERS = { [REMOVED]: "/chat/", 4404: "/chat/" };
const NO_COOKIES = gettext("Lobby needs cookies. Allow them for this site, then reload.");
/** Texts that promise that unsent messages are stored. */
const TEXTS_WHILE_SAVED = {
  waiting: gettext("Reconnecting…"),
  refused: gettext("You don't have access to this room. Your drafts are saved."),
  4401: gettext("You've been signed out. Your drafts are saved."),
};
const UNSAVED = gettext(
  "Your browser can't save your text: its storage is full or blocked. Stay on this page until it's sent.",
);

/**
 * @typedef {object} Connection
 * @property {Session} session
 * @property {() => void} toEnd shows the newest message
 * @property {() => {data: object, place: object} | null} leave closes the room, and returns what is kept: see `OpenRoom.keep`
 */

/**
 * Connect the room that the document shows.
 * @param {import("./open-room.js").OpenRoom} room
 * @param {Record<string, any>} shell the parts that stay while rooms change: see shell.js
 * @param {boolean} isFirst whether the room came with the page, and was not opened in place
 * @returns {Connection}
 */
export function connectRoom(room, shell, isFirst) {
  const [navigation] = performance.getEntriesByType("navigation");
  const { name, data, owner, log, timeline, attention, cursor, signal } = room;
  const { key, you } = data;
  const { displayName, notifications, unread } = shell;
  const session = new Session(room);

  // Composer
  const composer = new Composer(element("composer"), send, editLast, data.longest_text, element("composer-problem"));
  const input = /** @type {HTMLTextAreaElement} */ (element("chat-message-input"));
  const others = () => [...log.authors, ...people.all].filter(({ id }) => id !== you.id);
  new Typeahead(input, element("typeahead"), [peopleSource(others, (person) => composer.choose(person)), emojiSource(shell.emoji)], signal);
  listenForComposerKeys(input, element("timeline"), signal);
  const shortcodes = new Shortcodes(input, shell.emoji);
  composer.pending = () => shortcodes.pending;
  refuseFiles(input, (text) => composer.showNotice(text), signal);
  const choose = (chosen) => insertText(input, chosen);
  new EmojiPicker(element("emoji-picker"), element("composer"), shell.emoji, choose, signal);

  // Editing and sending
  const commands = new PendingCommands((command) => session.send(command, true));
  session.on("ack", ({ ref }) => commands.succeed(ref));
  session.on("error", ({ code, detail, number, ref, retry_after: retryAfter }) => {
    const problem = retryAfter ? retryText(detail, retryAfter) : detail;
    if (number) commands.fail({ ref, number }, code === CONFLICT ? CONFLICT : problem);
  });
  const editor = new MessageEditor(element("message-editor"), log, composer, commands, new EditDraft(owner, signal));
  const deletion = new MessageDeletion(element("message-deletion"), element("timeline"), log, commands);
  const unsent = new UnsentMessages(room, session, composer, editor);
  composer.afterComposition(() => {
    const earlyTexts = composer.takeEarlyInput();
    new Draft(owner, composer, isFirst && navigation?.type === "reload", signal);
    unsent.open(earlyTexts);
    if (!isFirst) takeEarlyTexts(owner).filter(Boolean).forEach((text) => composer.insert(text)); // else early-input.js does
  });

  // Account
  session.on("welcome", ({ you: person }) => {
    if (person?.guest === false) rememberAccount(person.id);
    if (person) displayName.setGuest(person.guest);
  });
  session.on("refusal", (code) => code === DELETED && forgetAccount(you.id));
  session.on("message", ({ author, number, seq }) => {
    if (author.id === you.id && number === seq) displayName.setName(author.name);
  });

  // People
  const people = new People(element("here"), you, (name) => {
    displayName.setName(name);
    snapshot.schedule();
  });
  session.on("presence", (event) => people.receive(event));
  session.on("presence", ({ people: present }) => log.rename(present));
  session.on("message", ({ author, number, seq }) => {
    const isLate = !attention.isCaughtUp && people.has(author); // it may have been sent under an earlier name
    if (number !== seq || isLate) return;
    people.rename(author);
    log.rename([author]);
  });
  const card = new PersonCard(element("person-card"), you, log, room.address, (person) => {
    if (element("people").matches(":popover-open")) element("people").hidePopover();
    composer.mention(person);
  });
  people.onOpen = (person, anchor) => card.prepare(person, true, anchor);
  log.addEventListener("click", ({ target }) => {
    const item = target.closest(".message__author, .avatar")?.closest(".message");
    if (item) openCard(log.message(item));
  });
  const typing = new TypingIndicator(element("typing-indicator"), you, () => session.send({ type: "typing" }));
  composer.onType = () => typing.typing();
  session.on("typing", (event) => typing.receive(event));
  session.on("message", ({ author }) => typing.remove(author.id));

  // Header
  const header = new RoomHeader(data, {
    onRename: () => unread.setTitle(room.pageTitle),
    onRights: (rights) => (log.rights = rights),
  });
  for (const event of ["message", "skipped"]) session.on(event, (message) => header.receive(message));
  session.on("welcome", (welcome) => header.welcomed(welcome));
  session.on("requirement", (event) => header.require(event));
  session.on("role", (event) => header.grant(event));
  session.on("presence", ({ people: present }) => present.forEach((person) => header.meet(person)));

  // Timeline
  session.on("welcome", () => room.created());
  element("chat-message-input").addEventListener("input", () => timeline.keepPosition());
  const announcer = new Announcer(element("announcer"));
  unsent.onFailed = (text) => announcer.announceStatus(text);
  session.on("message", (message) => {
    const isHeard = message.author.id !== you.id && !log.ignored.has(message.author.id);
    if (timeline.receive(message) && isHeard) announcer.announce(message);
  });
  session.on("received", () => timeline.show());
  session.on("received", () => deletion.update());
  session.on("message", (message) => editor.update(message));
  session.on("welcome", ({ reset, seq, isRewound }) => {
    const isAhead = room.welcomed();
    if (!reset && !isAhead) return timeline.retry();
    snapshot.clear();
    timeline.reload(seq, isRewound);
  });
  session.on("welcome", ({ reset }) => reset && fetchEdited(editor.number));
  const actions = {
    edit: (message) => editor.begin(message),
    delete: ({ number }) => deletion.confirm(number),
    text: ({ number, message }) => copyMessage(log.item(number), message),
    code: ({ number }) => copyCode(log.item(number)),
    link: ({ number }) => copyLink(log.item(number), `${room.address}${number}/`),
    profile: openCard,
    report: ({ number }) => location.assign(`${room.address}${number}/report/`),
  };
  new MessageActions(log, element("timeline"), actions, () => composer.focus());
  connectFolding(log, timeline);
  formatCopiedMessages(log, signal);
  resumeEdit();

  // Notifications and unread counts
  session.on("state", ({ state: now }) => now === "open" && (notifications.isRefused = false));
  session.on("refusal", (code) => (isLeft(code) ? followOtherRooms() : (notifications.isRefused = Boolean(code))));
  session.on("message", ({ number, seq }) => number !== seq && notifications.close(name, number));
  shareViewing(name, you.id, signal);
  session.on("unread", (event) => unread.receive(event));
  session.on("state", ({ state: now }) => unread.setConnected(now === "open"));
  session.on("unread", (event) => notifications.receive(event));
  const settingsIcon = document.querySelector("#notification-settings-open use");
  const settings = new NotificationSettings(element("notification-settings"), settingsIcon, key, data.involvement, signal);
  connectRoomMenu(element("room-menu"), () => findOwnRoom(element("rooms"), name));
  session.on("unread", ({ rooms }) => {
    const own = rooms.find(({ room }) => room === name);
    settings.receive(own);
    if (data.others?.length) header.retitle(own?.title); // of a direct room, whose people may be elsewhere
  });
  session.on("message", ({ author, number, seq, mentions }) => {
    const isMention = number === seq && author.id !== you.id && mentions?.some(({ id }) => id === you.id);
    if (isMention && settings.involvement !== "none") shell.offer.show();
  });
  let isFromCache = data.is_copy || data.is_kept || (isFirst && navigation?.type === "back_forward");
  addEventListener("pageshow", ({ persisted }) => (isFromCache ||= persisted), { signal });
  session.on("welcome", () => {
    if (isFromCache) settings.refresh();
    isFromCache = false;
  });
  const reading = new ReadTracker(element("timeline"), element("timeline-end"), attention, (seq) => {
    snapshot.schedule();
    return session.send({ type: "read", seq });
  });
  keepLastSeen(owner, () => ({ epoch: cursor.epoch, seq: reading.seen }), signal);

  // Offline snapshot
  const sources = {
    now: () => ({ ...cursor, ...settingsOf(data), owner, names: room.names, last_read: Math.max(data.last_read ?? 0, reading.seen) || data.last_read }),
    fetchLast: () => room.fetchPage({ before: Number.MAX_SAFE_INTEGER }),
  };
  const snapshot = new OfflineSnapshot({ room: room.address, you: you.id }, data.page, sources, signal);
  if (data.is_end) snapshot.begin(data.messages, data.is_start);
  session.on("message", (message) => snapshot.receive(message));
  session.on("welcome", () => snapshot.refresh());

  // The read position is sent once everything else has the message.
  session.on("message", () => reading.setShown(cursor.seq));
  session.on("welcome", ({ seq }) => {
    if (data.last_read !== null) data.last_read = Math.min(data.last_read, seq);
    reading.reset(seq);
    reading.setShown(cursor.seq);
  });
  session.on("caught-up", () => (attention.isCaughtUp = true));
  session.on("state", ({ state: now }) => now !== "open" && (attention.isCaughtUp = false));

  // Connection status
  const texts = { ...TEXTS, ...(!hasCookies(data) && { 4401: NO_COOKIES }), ...(data.title && TEXTS_OF_MEMBERS) };
  const allTexts = { ...TEXTS_WHILE_SAVED, ...(data.is_copy && { waiting: OFFLINE }), ...texts };
  const state = new ConnectionState(element("state"), allTexts, data.title ? EXITS_OF_MEMBERS : {});
  watchSaving((isSaved) => {
    composer.setWarning(isSaved ? "" : UNSAVED);
    state.setTexts(isSaved ? allTexts : texts);
  });
  if (data.notices?.length && !isFromCache) state.showNotice(data.notices.join(" "));
  data.notices = []; // once, also if the room is kept
  session.on("state", ({ state: now, code }) => {
    state.show(now, code);
    if (now !== "open") return commands.disconnected(now === "refused" ? refusalText(code) : undefined);
    commands.connected();
    if (code === SIGNED_OUT) refreshCsrfTokens().catch(() => {}); // `postForm` retries
  });
  session.on("refusal", (code) => code && state.show("refused", code));
  session.on("welcome", ({ isRewound }) => {
    if (isRewound) {
      state.showNotice(gettext("This room was restored from a backup. Messages sent after the backup are missing."));
    }
    if (data.missing) state.showNotice(gettext("That message doesn't exist. This is its room."));
    data.missing = null;
  });

  const claiming = new Retry(claimOtherDrafts);
  session.on("welcome", ({ you: person }) => {
    if (!person) return;
    sendAll();
    claiming.run(); // the browser's session is this person's, so no other person has one
  });
  session.connect();
  watchUnsent(you.id, sendAll, signal);

  return { session, toEnd, leave };

  function toEnd() {
    timeline.jumpToEnd();
    composer.focus();
  }

  function leave() {
    reading.flush();
    session.close();
    editor.leave();
    const kept = room.keep(reading.seen);
    room.close();
    return kept && { ...kept, data: { ...kept.data, involvement: settings.involvement } };
  }

  /**
   * Send a message from the composer.
   * @param {string} text
   * @param {import("./text/mentions.js").Person[]} mentions
   */
  function send(text, mentions) {
    typing.reset();
    unsent.add(text, mentions);
    timeline.sent();
  }

  /** Show who has sent a message. @param {import("./timeline/message-element.js").Message} message */
  function openCard({ number, client_id: clientId, author }) {
    const item = log.item(number ?? clientId);
    item.focus({ preventScroll: true }); // the focus returns there, and not to its button
    const present = people.get(author.id);
    const known = log.authors.find(({ id }) => id === author.id);
    card.open(present ?? { ...author, ...known }, Boolean(present), item.querySelector(".message__author"));
  }

  /** Whether a refusal says that the person is not a member of this private room any more. */
  function isLeft(code) {
    return Boolean(data.title && TEXTS_OF_MEMBERS[code]);
  }

  /** The person is a member of other rooms: go on counting, notifying and sending there. */
  function followOtherRooms() {
    unread.left(name);
    const socket = followPerson(you.id, unread, notifications, () => shell.background.send());
    signal.addEventListener("abort", () => socket.close());
  }

  /** Send unsent messages of this tab and of closed tabs, in all rooms. */
  function sendAll() {
    unsent.sendAll();
    if (!session.refusal || isLeft(session.refusal)) shell.background.send();
  }

  /** Show the drafts that other people have left here, once the composer is free. */
  async function claimOtherDrafts() {
    if (session.refusal || signal.aborted) return null;
    const drafts = await claimDrafts(room, () => composer.isFree && !signal.aborted);
    if (drafts === null) return CLAIM_INTERVAL;
    if (drafts) composer.offer(drafts);
  }

  /** Edit the person's newest message, even if it is not shown. */
  async function editLast() {
    if (!unsent.isEmpty) return;
    const message = (timeline.isLive && log.lastOwn) || (await fetchLastOwn());
    if (message && !composer.text && !signal.aborted) editor.begin(message);
  }

  async function fetchLastOwn() {
    const query = { before: Number.MAX_SAFE_INTEGER, limit: OWN_SEARCH_LIMIT };
    const { messages } = await room.fetchPage(query).catch(() => ({ messages: [] }));
    return messages.findLast((message) => message.author.id === you.id && hasText(message));
  }

  /** Continue an edit of a closed tab. */
  async function resumeEdit() {
    refreshEdited(await editor.resume());
  }

  /** Update the edited message to its current state. @param {number} [number] */
  async function refreshEdited(number) {
    if (!number) return;
    const item = log.item(number);
    if (item) editor.update(log.message(item));
    else await fetchEdited(number);
  }

  /** @param {number} [number] */
  async function fetchEdited(number) {
    if (!number) return;
    const { messages } = await room.fetchPage({ before: number + 1, limit: 1 }).catch(() => ({ messages: [] }));
    messages.forEach((message) => editor.update(message));
  }
}

function retryText(problem, seconds) {
  return gettext("{problem} Try again in {seconds} s.", { problem, seconds: Math.ceil(seconds) });
}
