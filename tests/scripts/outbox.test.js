import { changeInOtherTab, equal, test } from "./harness.js"; // first: in Node.js it provides what the modules need
import { Outbox, roomsWithUnsent, takeUnsent, unsentOf } from "../../static/chat/js/outbox/outbox.js";

const texts = (entries) => entries.map(({ message }) => message);
const UUID = "00000000-0000-4000-8000-000000000000";

test("messages survive a reload, in the order of writing", () => {
  const outbox = new Outbox("7.room");
  for (const text of ["one", "two", "three"]) outbox.add(text, "Room");
  equal(texts(new Outbox("7.room").all), ["one", "two", "three"]);
});

test("the order does not depend on the clock", () => {
  const outbox = new Outbox("7.room");
  const first = outbox.add("first", "Room");
  localStorage.setItem(`lobby.unsent.7.room.${first.client_id}`, JSON.stringify({ ...first, at: "2099-01-01T00:00:00Z" }));
  outbox.add("second", "Room");
  equal(texts(new Outbox("7.room").all), ["first", "second"]);
});

test("a refused message no longer waits, and is kept", () => {
  const outbox = new Outbox("7.room");
  const { client_id: clientId } = outbox.add("spam", "Room");
  outbox.add("ham", "Room");
  equal(outbox.fail(clientId, "too long").failed, "too long");
  equal(texts(outbox.waiting), ["ham"]);
  equal(texts(new Outbox("7.room").all), ["spam", "ham"]);
});

test("a tab adopts the messages of another tab once", () => {
  const outbox = new Outbox("7.room");
  new Outbox("7.room").add("from a closed tab", "Room");
  equal(texts(outbox.adopt()), ["from a closed tab"]);
  equal(outbox.adopt(), []);
});

test("a message that another tab has discarded goes here as well, unless it still waits", () => {
  const discarded = [];
  const outbox = new Outbox("7.room", (clientId) => discarded.push(clientId));
  const [failed, waiting] = [outbox.add("failed", "Room"), outbox.add("waiting", "Room")];
  outbox.fail(failed.client_id, "no");
  for (const { client_id: clientId } of [failed, waiting]) changeInOtherTab(`lobby.unsent.7.room.${clientId}`, null);
  equal(discarded, [failed.client_id]);
  equal(texts(outbox.all), ["waiting"]);
});

test("a message that another tab was refused goes here as well, and with it when it is discarded", () => {
  const changes = [];
  const outbox = new Outbox("7.room", (clientId, entry) => changes.push([clientId, entry?.failed]));
  const { client_id: clientId, ...entry } = outbox.add("refused", "Room");
  const key = `lobby.unsent.7.room.${clientId}`;
  changeInOtherTab(key, JSON.stringify({ ...entry, failed: 5 })); // of no shape
  equal(texts(outbox.waiting), ["refused"]);
  changeInOtherTab(key, JSON.stringify({ ...entry, failed: "no" }));
  equal([outbox.waiting, texts(outbox.all)], [[], ["refused"]]);
  changeInOtherTab(key, null);
  equal([outbox.all, outbox.fail(clientId, "no"), outbox.adopt()], [[], undefined, []]);
  equal(changes.slice(0, 2), [[clientId, "no"], [clientId, undefined]]);
});

test("a refusal stores no message again that another tab has removed", () => {
  const dropped = [];
  const outbox = new Outbox("7.room", (clientId) => dropped.push(clientId));
  const { client_id: clientId } = outbox.add("stored by the other tab", "Room");
  changeInOtherTab(`lobby.unsent.7.room.${clientId}`, null);
  equal(outbox.fail(clientId, "too much"), undefined);
  equal([outbox.all, unsentOf("7.room"), dropped], [[], [], [clientId]]);
});

test("a refusal keeps a message that could not be stored", () => {
  const outbox = new Outbox("7.room");
  const { client_id: clientId } = outbox.add("x".repeat(40_001), "Room");
  equal(outbox.fail(clientId, "too long").failed, "too long");
  outbox.remove(clientId);
});

test("rooms, people and versions do not mix", () => {
  new Outbox("7.room").add("a", "Room");
  new Outbox("7.room.2").add("b", "Room.2");
  new Outbox("77.other").add("c", "Other");
  equal(roomsWithUnsent(7).sort(), ["room", "room.2"]);
  equal(unsentOf("7.room").length, 1);
});

test("entries of an earlier version are read, and invalid ones are removed", () => {
  const key = `lobby.unsent.7.room.${UUID}`;
  localStorage.setItem(key, JSON.stringify({ message: "old", at: "2026-01-01T00:00:00Z", failed: null }));
  equal(texts(new Outbox("7.room").all), ["old"]);
  localStorage.setItem(key, JSON.stringify({ message: 1, at: "never" }));
  equal(new Outbox("7.room").all, []);
  equal(localStorage.getItem(key), null);
});

test("texts that are not stored on the server are taken", () => {
  const outbox = new Outbox("7.room");
  const { client_id: stored } = outbox.add("stored", "Room");
  outbox.add("not stored", "Room");
  equal(takeUnsent("7.room", [stored]), ["not stored"]);
  equal(unsentOf("7.room"), []);
});
