import { equal, test } from "./harness.js"; // first: in Node.js it provides what the modules need
import { findPeople } from "../../static/chat/js/composer/typeahead-sources.js";

test("a name that is typed in full comes first, whoever spoke last", () => {
  const people = ["Big Ann", "Hanna", "Anna", "Ann", "Ann 2"].map((name, id) => ({ id, name }));
  const found = (typed) => findPeople(people, typed).map(({ name }) => name);
  equal(found("ann"), ["Ann", "Anna", "Ann 2", "Big Ann"]);
  equal(found("anna"), ["Anna"]);
  equal(found(""), ["Big Ann", "Hanna", "Anna", "Ann", "Ann 2"]);
  equal(found("x"), []);
});
