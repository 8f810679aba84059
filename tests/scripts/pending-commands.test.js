import { equal, test } from "./harness.js"; // first: in Node.js it provides what the modules need
import { PendingCommands } from "../../static/chat/js/editing/pending-commands.js";

function setUp(isOpen) {
  const connection = { isOpen, sent: [] };
  const commands = new PendingCommands((command) => {
    if (connection.isOpen) connection.sent.push(command);
    return connection.isOpen;
  });
  return { connection, commands };
}

test("each command gets its own answer", async () => {
  const { connection, commands } = setUp(true);
  const [one, two] = [commands.send({ type: "edit", number: 1 }), commands.send({ type: "delete", number: 1 })];
  const [first, second] = connection.sent.map(({ ref }) => ref);
  commands.fail({ ref: second, number: 1 }, "no");
  commands.succeed(first);
  equal([await one, await two], [null, "no"]);
});

test("a server of an earlier version answers by number", async () => {
  const { commands } = setUp(true);
  const answer = commands.send({ type: "edit", number: 3 });
  commands.fail({ number: 3 }, "no");
  equal(await answer, "no");
});

test("commands wait for the first connection, and for no other", async () => {
  const { connection, commands } = setUp(false);
  const answer = commands.send({ type: "edit", number: 1 });
  equal(connection.sent.length, 0);
  connection.isOpen = true;
  commands.connected();
  commands.succeed(connection.sent[0].ref);
  equal(await answer, null);
  connection.isOpen = false;
  equal(await commands.send({ type: "edit", number: 1 }), "You're offline.");
});

test("a refusal's reason is the problem, until the next connection", async () => {
  const { connection, commands } = setUp(true);
  const pending = commands.send({ type: "edit", number: 1 });
  connection.isOpen = false;
  commands.disconnected("You've been signed out.");
  const later = commands.send({ type: "edit", number: 1 });
  equal([await pending, await later], Array(2).fill("You've been signed out."));
  commands.connected();
  equal(await commands.send({ type: "edit", number: 1 }), "You're offline.");
});

test("a lost connection ends the wait, and nothing is sent later", async () => {
  for (const isOpen of [true, false]) {
    const { connection, commands } = setUp(isOpen);
    const answer = commands.send({ type: "edit", number: 1 });
    commands.disconnected();
    connection.isOpen = true;
    commands.connected();
    equal([await answer, connection.sent.length], ["The connection was lost.", Number(isOpen)]);
  }
});
