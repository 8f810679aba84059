/** A room's page: what comes from the server goes to the timeline, what is written goes to the outbox. */

import "./chat-log.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { ConnectionState } from "./connection-state.js";
import { Outbox } from "./outbox.js";
import { OwnName } from "./own-name.js";
import { Timeline } from "./timeline.js";

const element = (id) => document.getElementById(id);
const read = (id) => JSON.parse(element(id).textContent);

const roomName = read("room-name");
const { key, messages, you, page, longest_text: longestText, ...cursor } = read("room-data");

const log = element("chat-log");
const timeline = new Timeline(element("timeline"), log, element("timeline-start"), element("latest"), fetchBefore);
const outbox = new Outbox(`${you.id}.${key}`);
const composer = new Composer(element("composer"), write);
const ownName = new OwnName(element("own-name"), you);

for (const message of messages) outbox.remove(message.client_id); // stored, and never acknowledged
timeline.open(messages, messages.length < page);
outbox.all.forEach(showUnsent);
timeline.toEnd();

const state = new ConnectionState(element("state"));
const connection = new Connection(address, receive, (...now) => state.show(...now));

function address() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const query = new URLSearchParams({ since: cursor.seq, epoch: cursor.epoch });
  return `${scheme}://${location.host}/ws/chat/${encodeURIComponent(roomName)}/?${query}`;
}

async function fetchBefore(before) {
  const query = new URLSearchParams({ limit: page, ...(before && { before }) });
  const response = await fetch(`/chat/${encodeURIComponent(roomName)}/messages/?${query}`);
  if (!response.ok) throw new Error(response.statusText);
  const { messages } = await response.json();
  return { messages, isStart: messages.length < page };
}

function receive(event) {
  switch (event.type) {
    case "welcome":
      return welcomed(event);
    case "message":
      return told(event);
    case "error":
      return refused(event);
  }
}

function welcomed({ epoch, seq, reset }) {
  cursor.epoch = epoch;
  if (reset) {
    cursor.seq = seq;
    timeline.reload();
  }
  outbox.waiting.forEach(send);
}

function told(message) {
  cursor.seq = Math.max(cursor.seq, message.seq);
  outbox.remove(message.client_id);
  if (message.author.id === you.id && message.number === message.seq) ownName.tell(message.author.name);
  timeline.receive(message);
}

function refused({ detail, client_id: clientId, retry_after: retryAfter }) {
  const entry = outbox.all.find((entry) => entry.client_id === clientId);
  if (!entry) return;
  if (retryAfter) hold(retryAfter);
  else showUnsent(outbox.fail(clientId, detail));
}

let held = 0;

/** Send nothing for a while, and then all that waits, in order: what was sent already is not stored twice. */
function hold(seconds) {
  clearTimeout(held);
  held = setTimeout(() => {
    held = 0;
    outbox.waiting.forEach(send);
  }, seconds * 1000);
}

function write(text) {
  const entry = outbox.add(text);
  const length = [...text].length;
  if (length > longestText) {
    outbox.fail(entry.client_id, `longer than ${longestText.toLocaleString()} characters`);
  } else {
    send(entry);
  }
  showUnsent(outbox.all.find(({ client_id: id }) => id === entry.client_id));
  timeline.toEnd();
}

function send({ client_id: clientId, message }) {
  if (held) return;
  connection.send({ type: "send", message, client_id: clientId });
}

function showUnsent(entry) {
  const discard = () => {
    outbox.remove(entry.client_id);
    log.discard(entry.client_id);
  };
  const edit = () => {
    discard();
    composer.take(entry.message);
  };
  const note = entry.failed
    ? [text(`Not sent: ${entry.failed}`), button("Edit", edit), button("Discard", discard)]
    : [text("Sending…")];
  log.showUnsent({ ...entry, author: you }, note);
}

function text(content) {
  const span = document.createElement("span");
  span.textContent = content;
  return span;
}

function button(label, onClick) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", onClick);
  return made;
}
