/** A room's page: what comes from the server goes to the timeline, what is written goes to the outbox. */

import { ConnectionState } from "../../base/js/connection-state.js";
import { gettext } from "../../base/js/i18n.js";
import { DELETED, LastingSocket, REMOVED, SIGNED_OUT } from "../../base/js/lasting-socket.js";
import { refreshTokens } from "../../base/js/post.js";
import { forgetAccount, noteAccount } from "./account.js";
import { Announcer } from "./announcer.js";
import { Changes } from "./changes.js";
import { Completion } from "./completion.js";
import * as completions from "./completions.js";
import { Composer } from "./composer.js";
import { writeCopies } from "./copied.js";
import { copy } from "./copy.js";
import { Deleting } from "./deleting.js";
import { deliver } from "./deliver.js";
import { Draft } from "./draft.js";
import { Editing } from "./editing.js";
import { Catalogue } from "./emoji.js";
import { EmojiPicker } from "./emoji-picker.js";
import { markGone, takeOver, unmarkGone } from "./handover.js";
import { insert } from "./insert.js";
import { KeptEdit } from "./kept-edit.js";
import { KeptRoom } from "./kept-room.js";
import { MessageTools } from "./message-tools.js";
import { button, text } from "./note.js";
import { Notifier, tellLooking } from "./notifier.js";
import { Notify } from "./notify.js";
import { cursor, data, fetchPage, log, noteLast, owner, roomAddress, roomName, timeline } from "./opening.js";
import { Outbox } from "./outbox.js";
import { OwnName } from "./own-name.js";
import { copyLink } from "./permalink.js";
import { People } from "./people.js";
import { Rail } from "./rail.js";
import { Reading } from "./reading.js";
import { keepSeen } from "./seen.js";
import { Sheet } from "./sheet.js";
import { Shortcodes } from "./shortcodes.js";
import { watchSaving } from "./storage.js";
import { Typing } from "./typing.js";
import { Unread } from "./unread.js";

const element = (id) => document.getElementById(id);
const { key, you } = data;
/** The code of the refusal, after which nothing can be sent any more. @type {number | undefined} */
let refusal;
const outbox = new Outbox(owner, (clientId) => log.discard(clientId));
const composer = new Composer(
  element("composer"),
  write,
  () => !outbox.waiting.length && log.lastOwn && editing.begin(log.lastOwn),
  data.longest_text,
  element("composer-problem"),
);
const input = /** @type {HTMLTextAreaElement} */ (element("chat-message-input"));
const emoji = new Catalogue(data.emoji);
const others = () => [...log.authors, ...people.all].filter(({ id }) => id !== you.id);
new Completion(input, element("completion"), [completions.people(others), completions.emoji(emoji)]);
const shortcodes = new Shortcodes(input, emoji);
composer.pending = () => shortcodes.pending;
new EmojiPicker(element("emoji-picker"), element("composer"), emoji, (chosen) => insert(input, chosen));
for (const text of composer.takeEarly()) outbox.add(text, roomName);
new Draft(owner, composer);
if (!you.guest) noteAccount(you.id);
let mayInherit = true; // until the server has answered
inherit();
const changes = new Changes((command) => connection.send(JSON.stringify(command), true));
const editing = new Editing(element("editing"), log, composer, changes, new KeptEdit(owner));
const deleting = new Deleting(log, changes);
const tools = {
  edit: (message) => editing.begin(message),
  delete: ({ number }) => deleting.ask(number),
  link: ({ number }) => copyLink(log.item(number), `${roomAddress}${number}/`),
};
new MessageTools(log, tools, () => composer.focus());
writeCopies(log);
const ownName = new OwnName(element("own-name"), you);
const people = new People(element("here"), you, (name) => {
  ownName.tell(name);
  keptRoom.note();
});
const typing = new Typing(element("typing"), you, () => connection.send(JSON.stringify({ type: "typing" })));
composer.onWrite = () => typing.write();
const notifier = new Notifier(you.id);
const unread = new Unread(element("rooms"), (...more) => notifier.tell(...more), (room) => notifier.close(room));
const announcer = new Announcer(element("announcer"));
tellLooking(roomName, you.id);
new Notify(element("notify"), document.querySelector("#notify-open use"), key, data.involvement);
new Rail(element("rail"), element("rooms"), roomName, () => composer.focus());
new Sheet(element("sheet"), element("sheet-open"));
const reading = new Reading(element("timeline"), element("timeline-end"), (seq) => {
  keptRoom.note();
  return connection.send(JSON.stringify({ type: "read", seq }));
});

for (const message of data.messages) outbox.remove(message.client_id); // stored, and never acknowledged
outbox.all.forEach((entry) => (composer.isTooLong(entry.message) ? takeBack(entry) : showUnsent(entry)));
keepSeen(owner, () => ({ epoch: cursor.epoch, seq: reading.seen }));
resumeEdit();
const keptRoom = new KeptRoom({ room: roomAddress, you: you.id }, data.page, {
  now: () => ({ ...cursor, owner, last_read: Math.max(data.last_read ?? 0, reading.seen) || data.last_read }),
  last: () => fetchPage({ before: Number.MAX_SAFE_INTEGER }),
});
if (data.is_end) keptRoom.begin(data.messages, data.is_start);

/** Without cookies each request is another guest's. A guest's page sets one that scripts can read; a copy cannot tell. */
const hasCookies = data.is_copy || !you.guest || document.cookie !== "";

const OFFLINE = gettext("Offline. What you write is sent later.");
const NO_ACCESS = gettext("You no longer have access here. Load the page again.");
const SAID = {
  [REMOVED]: NO_ACCESS,
  [DELETED]: NO_ACCESS,
  ...(!hasCookies && { 4401: gettext("Lobby needs cookies. Allow them for this site, then load the page again.") }),
  4404: gettext("There can be no such room."),
  4429: gettext("You have made many rooms. Wait a while."),
};
/** What is said as well, as long as it is true. */
const SAID_WHILE_SAVED = {
  waiting: data.is_copy ? OFFLINE : gettext("Reconnecting. What you write is kept."),
  refused: gettext("This room is closed to you. What you have written is kept."),
  4401: gettext("You are signed out. What you have written is kept."),
};
const UNSAVED = gettext(
  "Your browser can't save your text: its storage is full or blocked. Stay on this page until it is sent.",
);
const state = new ConnectionState(element("state"), { ...SAID_WHILE_SAVED, ...SAID });
watchSaving((isSaved) => {
  composer.warning = isSaved ? "" : UNSAVED;
  state.said = isSaved ? { ...SAID_WHILE_SAVED, ...SAID } : SAID;
});
const connection = new LastingSocket({
  address,
  isGreeting: (events) => events.some(isWelcome),
  isForMe: (events) => isForMe(events.find(isWelcome)),
  onFrame: (events) => events.forEach(receive),
  onState: (...now) => {
    state.show(...now);
    if (now[0] === "open") changes.begin();
    else changes.lose();
    if (now[0] === "open" && now[1] === SIGNED_OUT) refreshTokens().catch(() => {}); // `post` asks again
    if (now[0] === "open") unmarkGone(key, you.id);
    setRefusal(now[0] === "refused" ? now[1] : undefined);
  },
});
document.addEventListener("visibilitychange", () => document.hidden || sendAll());

function address() {
  const { seq, ...known } = cursor;
  const query = new URLSearchParams({ you: you.id, since: seq, ...known });
  return `/ws/chat/${encodeURIComponent(roomName)}/?${query}`;
}

/** Put into the composer what others have left here, once the server has answered what of it is stored. */
async function inherit() {
  if (!mayInherit) return;
  mayInherit = false;
  const left = await takeOver(key, you.id, data.former_guest).catch(() => null);
  mayInherit = left === null;
  if (left) composer.append(left);
}

/** Go on with an edit that was left. */
async function resumeEdit() {
  checkEdit(await editing.resume());
}

/** Tell what has become of the message that is edited. @param {number} [number] */
async function checkEdit(number) {
  if (!number) return;
  const shown = log.item(number);
  if (shown) return editing.told(log.message(shown));
  const { messages } = await fetchPage({ before: number + 1, limit: 1 }).catch(() => ({ messages: [] }));
  messages.forEach((message) => editing.told(message));
}

function isWelcome({ type }) {
  return type === "welcome";
}

/** @param {number} [code] of a refusal; none where what is written may be sent */
function setRefusal(code) {
  const wasRefused = Boolean(refusal);
  refusal = code;
  notifier.isRefused = Boolean(refusal);
  if (refusal === DELETED) forgetAccount(you.id);
  if (refusal) markGone(key, you.id);
  if (wasRefused !== Boolean(refusal)) outbox.waiting.forEach(showUnsent);
}

/**
 * Whether it greets the person whom this page is for: nobody else says what is written here.
 * In a database that was set back the person may be unknown. The page then shows what is stored, and sends nothing.
 */
function isForMe({ you: person, ...welcome }) {
  return person ? person.id === you.id : isSetBack(welcome);
}

/** Whether what is shown here is not in the room's log any more: its database was restored. */
function isSetBack({ epoch, set_back: setBack }) {
  return setBack || (cursor.epoch && epoch !== cursor.epoch);
}

function receive(event) {
  switch (event.type) {
    case "welcome":
      return welcomed(event);
    case "message":
      return told(event);
    case "presence":
      return people.receive(event);
    case "typing":
      return typing.receive(event);
    case "unread":
      return unread.receive(event);
    case "ack":
      return changes.done(event.ref);
    case "error":
      return refused(event);
  }
}

function welcomed({ epoch, seq, reset, you: person, ...more }) {
  if (person) ownName.tellGuest(person.guest);
  else signedOut();
  if (person?.guest === false) noteAccount(person.id);
  if (isSetBack({ epoch, ...more })) {
    state.notify(gettext("This room was restored from a backup. Messages sent after it are missing."));
  }
  cursor.epoch = epoch;
  if (reset) {
    Object.assign(cursor, { seq, last: "", last_seq: 0 });
    keptRoom.forget();
    timeline.reload();
    checkEdit(editing.number);
  } else timeline.retry();
  keptRoom.refresh();
  inFlight = null;
  reading.again();
  reading.note(cursor.seq);
  if (!person) return;
  sendAll();
}

/** Send what this tab and closed ones have not sent, in all rooms; what others have left is to be written first. */
function sendAll() {
  inherit();
  adopt();
  sendNext();
  if (!refusal) deliver(you.id, key);
}

function signedOut() {
  state.show("refused", SIGNED_OUT);
  setRefusal(SIGNED_OUT);
}

/** Take over what closed tabs have not sent. */
function adopt() {
  outbox.adopt().forEach(showUnsent);
}

function told(message) {
  cursor.seq = Math.max(cursor.seq, message.seq);
  noteLast(message);
  outbox.remove(message.client_id);
  if (message.author.id === you.id && message.number === message.seq) ownName.tell(message.author.name);
  typing.forget(message.author.id);
  if (message.number === message.seq) people.hear(message.author);
  if (timeline.receive(message) && message.author.id !== you.id) announcer.tell(message);
  if (message.number !== message.seq) notifier.close(roomName, message.number);
  editing.told(message);
  keptRoom.receive(message);
  reading.note(cursor.seq);
  if (message.client_id === inFlight) connection.confirm();
  answered(message.client_id);
}

function refused({ detail, client_id: clientId, number, retry_after: retryAfter, ref }) {
  if (number) return changes.refuse({ ref, number }, retryAfter ? tryLater(detail, retryAfter) : detail);
  const entry = outbox.all.find((entry) => entry.client_id === clientId);
  if (!entry) return;
  if (retryAfter) hold(retryAfter);
  else showUnsent(outbox.fail(clientId, detail));
  answered(clientId);
}

function tryLater(problem, seconds) {
  return gettext("{problem}; try again in {seconds} s", { problem, seconds: Math.ceil(seconds) });
}

let held = 0;

/** Send nothing for a while. */
function hold(seconds) {
  clearTimeout(held);
  held = setTimeout(() => {
    held = 0;
    sendNext();
  }, seconds * 1000);
}

/** @type {string | null} the client_id of what was sent and is not answered */
let inFlight = null;

/** Send what was written first. One message at a time, so that none overtakes one that is refused for now. */
function sendNext() {
  const [next] = outbox.waiting;
  if (held || inFlight || refusal || !next) return;
  const { client_id, message } = next;
  if (connection.send(JSON.stringify({ type: "send", message, client_id }), true)) inFlight = client_id;
}

function answered(clientId) {
  if (clientId !== inFlight) return;
  inFlight = null;
  sendNext();
}

function write(text) {
  typing.sent();
  showUnsent(outbox.add(text, roomName));
  sendNext();
  timeline.answered();
}

/** Of what an earlier version has kept, too long to be sent: it can be cut in the composer. */
function takeBack({ client_id: clientId, message }) {
  outbox.remove(clientId);
  composer.take(message);
}

function showUnsent(entry) {
  log.showUnsent({ ...entry, author: you }, noteOf(entry));
}

/** @returns {Node[]} what is said of an unsent message, and what can be done about it */
function noteOf(entry) {
  if (entry.failed) return noteOfFailed(entry);
  if (refusal) {
    return [
      text(gettext("Not sent")),
      button(gettext("Try again"), () => connection.retry()),
      button(gettext("Copy"), async ({ target }) => {
        if (await copy(entry.message)) target.textContent = gettext("Copied");
      }),
    ];
  }
  return [text(data.is_copy ? gettext("Waiting to be sent…") : gettext("Sending…"))];
}

function noteOfFailed(entry) {
  const discard = () => {
    outbox.remove(entry.client_id);
    log.discard(entry.client_id);
    composer.settle();
    composer.focus();
  };
  const edit = () => {
    if (!editing.leave()) return;
    discard();
    composer.take(entry.message);
  };
  return [
    text(gettext("Not sent: {problem}", { problem: entry.failed })),
    button(gettext("Edit"), edit),
    button(gettext("Discard"), discard),
  ];
}
