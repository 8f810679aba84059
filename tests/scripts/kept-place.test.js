import { equal, test } from "./harness.js"; // first: in Node.js it provides what the modules need
import { findPlace } from "../../static/chat/js/timeline/kept-place.js";

test("a stored position brings its messages, and their authors' present names", async () => {
  sessionStorage.setItem("lobby.place.7.room", JSON.stringify({ epoch: "e", number: 3, bottom: 90 }));
  const messages = [{ number: 3, author: { id: 1, name: "Former" } }];
  globalThis.fetch = async () => ({ json: async () => ({ messages, names: { 1: "Present" }, more: true }) });
  const data = { you: { id: 7 }, key: "room", epoch: "e", page: 50, messages: [], names: { 2: "Other" }, place: null };
  equal(await findPlace(data, "/chat/room/"), { number: 3, bottom: 90 });
  equal([data.messages, data.names], [messages, { 1: "Present", 2: "Other" }]);
});
