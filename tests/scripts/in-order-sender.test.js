import { equal, test } from "./harness.js"; // first: in Node.js it provides what the modules need
import { InOrderSender } from "../../static/chat/js/outbox/in-order-sender.js";
import { Outbox } from "../../static/chat/js/outbox/outbox.js";

function setUp(...texts) {
  const outbox = new Outbox("7.room");
  const ids = texts.map((text) => outbox.add(text, "Room").client_id);
  const connection = { isOpen: true, sent: [] };
  const sender = new InOrderSender(outbox, ({ message }) => {
    if (connection.isOpen) connection.sent.push(message);
    return connection.isOpen;
  });
  const store = (clientId) => {
    outbox.remove(clientId);
    return sender.answered(clientId);
  };
  return { outbox, ids, connection, sender, store };
}

test("one message is in flight at a time", () => {
  const { ids, connection, sender, store } = setUp("one", "two");
  sender.sendNext();
  sender.sendNext();
  equal(connection.sent, ["one"]);
  equal(store(ids[0]), true);
  equal(connection.sent, ["one", "two"]);
});

test("people who were chosen for names go with their message, after a reload as well", () => {
  const mentions = [{ id: 5, name: "Ada" }];
  new Outbox("7.room").add("@Ada", "Room", mentions);
  const sent = [];
  new InOrderSender(new Outbox("7.room"), (command) => sent.push(command)).sendNext();
  equal(sent[0].mentions, mentions);
});

test("messages of others are no answers", () => {
  const { connection, sender } = setUp("one", "two");
  sender.sendNext();
  equal(sender.answered(undefined), false);
  equal(sender.answered("another"), false);
  equal(connection.sent, ["one"]);
});

test("without a connection nothing is in flight", () => {
  const { connection, sender } = setUp("one");
  connection.isOpen = false;
  sender.sendNext();
  connection.isOpen = true;
  sender.sendNext();
  equal(connection.sent, ["one"]);
});

test("a new connection sends the message in flight again", () => {
  const { connection, sender } = setUp("one");
  sender.sendNext();
  sender.reset();
  sender.sendNext();
  equal(connection.sent, ["one", "one"]);
});

test("a message that is refused for now is sent again first, and after the pause", async () => {
  const { ids, connection, sender } = setUp("one", "two");
  sender.sendNext();
  sender.pause(0.01);
  sender.answered(ids[0]);
  equal(connection.sent, ["one"]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  equal(connection.sent, ["one", "one"]);
});

test("a message that is refused for good lets the next one pass", () => {
  const { outbox, ids, connection, sender } = setUp("one", "two");
  sender.sendNext();
  outbox.fail(ids[0], "too long");
  sender.answered(ids[0]);
  equal(connection.sent, ["one", "two"]);
});
