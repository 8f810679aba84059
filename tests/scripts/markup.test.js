import { equal, test } from "./harness.js"; // first: in Node.js it provides what the modules need
import { parse } from "../../static/chat/js/text/markup.js";
import { canBeginMention, endOfName } from "../../static/chat/js/text/mentions.js";

const text = (parts) => parts.map((part) => (typeof part === "string" ? part : part.text ?? text(part.children))).join("");

test("bold and italics nest, and close innermost first", () => {
  equal(parse("***a** b*"), [{ kind: "em", children: [{ kind: "strong", children: ["a"] }, " b"] }]);
});

test("unclosed and spaced marks are text", () => {
  for (const plain of ["a * b * c", "2*3*4", "snake_case_name", "**open", "f(*args, **kwargs)", "****a****"]) {
    equal(text(parse(plain)), plain);
    equal(parse(plain).every((part) => typeof part === "string"), true);
  }
});

test("code blocks have a language, and keep their text", () => {
  equal(parse("```py\n**a**\n```"), [{ kind: "block", text: "**a**", language: "py" }]);
});

test("marks without a text in them stay as they were written", () => {
  const blank = ["``` ```", "``` ``` ```", "` `", "```\n```", "a\n```py\n \n```\nb", "~~~\n~~~"];
  const lonely = ["**", "** **", "****", "__", "_ _", "*", "`", "``", "```", "~~~", "***", "> ", "@", "https://"];
  for (const plain of [...blank, ...lonely]) {
    const parts = parse(plain);
    equal(text(parts), plain);
    equal(parts.every((part) => typeof part === "string"), true);
  }
  equal(parse("```\n```\n```\na\n```"), ["```\n```", { kind: "block", text: "a", language: "" }]);
});

test("an address ends before the sentence's punctuation", () => {
  const [, link, rest] = parse("(see https://a.example/b_(c).)");
  equal([link, rest], [{ kind: "link", text: "https://a.example/b_(c)" }, ".)"]);
});

test("only http and https become links", () => {
  equal(parse("javascript:alert(1) ftp://a.b data:text/html,x").some((part) => part.kind), false);
});

test("a mention is the longest name, at the end of a word", () => {
  equal(parse("@Ada Lovelace!", ["Ada", "Ada Lovelace"])[0], { kind: "mention", text: "@Ada Lovelace" });
  equal(endOfName("Adam", 0, ["Ada"]), 0);
  equal([canBeginMention("a@b", 1), canBeginMention("你@b", 1), canBeginMention("@b", 0)], [false, true, true]);
});

test("text between marked parts is one part", () => {
  for (const plain of ["*a **b _c `d", "@a http:// ****", "a\n\nb\r\n*c\n```\nd"]) {
    equal(parse(plain), [plain.replaceAll("\r", "")]);
  }
  equal(parse("*a **b @c `d** e"), ["*a ", { kind: "strong", children: ["b @c `d"] }, " e"]);
  equal(parse("*a\n`b`\nc*"), ["*a\n", { kind: "code", text: "b" }, "\nc*"]);
  equal(parse("*a\n```\nb\n```\n_c"), ["*a", { kind: "block", text: "b", language: "" }, "_c"]);
});

test("200 parts of a text are marked, and the rest is as it was written", () => {
  const marked = (parts) => parts.flatMap((part) => (part.kind ? [part, ...marked(part.children ?? [])] : []));
  const many = ["*a* ", "`a` ", "@Ada ", "http://a.b ", "`a`\n", "```\na\n```\n", "`a` ***b*** ", "*a `b` http://c @Ada* "];
  for (const one of many) {
    const parts = parse(one.repeat(250), ["Ada"]);
    equal(marked(parts).length, 200);
    equal(parts.at(-1).endsWith(one.repeat(50)), true);
  }
  equal(parse(`**${"`a` ".repeat(200)}b**`).at(-1), " b**");
  equal(parse("*a* ".repeat(200)).at(-2).kind, "em");
});

test("many open marks stay linear and shallow", () => {
  const long = "*a _b ".repeat(5000);
  equal(text(parse(long)), long);
});
