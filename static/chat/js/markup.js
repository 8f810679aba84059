/**
 * What people write, shown: links, code, **bold** and *italics*, a small part of Markdown, and whom it names. It is
 * read once from left to right and nests no deeper than `DEEPEST`, so no text can make it slow.
 */

import { endOfName, mayBegin } from "./mention.js";

/**
 * @typedef {object} Marked
 * @property {"strong" | "em" | "code" | "link" | "mention" | "block"} kind
 * @property {Part[]} [children] of bold and italics
 * @property {string} [text] of all others
 * @property {string} [language] of a block of code, as its first line says
 * @typedef {string | Marked} Part
 */

/** How many marks may be open at a time; then the oldest is an asterisk and no more. */
const DEEPEST = 16;

/** Longer runs are lines and dots that somebody draws. */
const LONGEST_RUN = { "*": 3, _: 1 };

const FENCE = /^```([^`]*)$/;
const LANGUAGE = /^[\w+#.-]*$/;

const GAP = /^\s?$/u;
const WORD = /[\p{L}\p{N}/\\]/u;
const LATIN = /[a-z0-9]/i;
const DIGIT = /[0-9]/;

/** An address ends where Chinese, Japanese or Korean begins: there is often no space between them. */
const ADDRESS =
  /[^\s<>"`\p{C}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u2018-\u201f\u2026\u3000-\u303f\uff00-\uffef]+/uy;

/** What ends a sentence rather than an address; brackets do so unless they were opened in the address. */
const AFTER_ADDRESS = ".,;:!?'*_~";
const BRACKETS = { ")": "(", "]": "[", "}": "{" };

/**
 * @param {string} text
 * @param {string[]} [names] of those whom it names
 * @returns {Part[]}
 */
export function parse(text, names = []) {
  const lines = text.split("\n");
  const lastEnd = lines.findLastIndex(endsFence);
  const parts = [];
  for (let at = 0, isAfterLine = false; at < lines.length; at += 1) {
    const opening = at < lastEnd && lines[at].match(FENCE);
    if (opening) {
      let end = at + 1;
      while (!endsFence(lines[end])) end += 1;
      parts.push(block(opening[1].trim(), lines.slice(at + 1, end + 1)));
      at = end;
    } else {
      if (isAfterLine) parts.push("\n");
      parts.push(...new Line(lines[at], names).read());
    }
    isAfterLine = !opening;
  }
  return parts;
}

/**
 * @param {string} text
 * @param {string[]} [names] of those whom it names
 * @returns {DocumentFragment}
 */
export function draw(text, names) {
  const fragment = document.createDocumentFragment();
  fragment.append(...parse(text, names).map(drawPart));
  return fragment;
}

function endsFence(line) {
  return line.trimEnd().endsWith("```");
}

/** A block of code. Its last line ends with the fence, and may be the fence alone. */
function block(info, lines) {
  const last = lines.pop().trimEnd().slice(0, -3);
  if (last) lines.push(last);
  if (!LANGUAGE.test(info)) lines.unshift(info);
  return { kind: "block", text: lines.join("\n"), language: LANGUAGE.test(info) ? info : "" };
}

/** A line of text. Marks do not reach beyond it. */
class Line {
  #text;
  #names;
  /** @type {Part[]} */
  #parts = [];
  /** @type {{sign: string, count: number, at: number}[]} marks to be closed; `at` is their place in the parts */
  #open = [];
  /** @type {Map<number, number[]>} where runs of so many backticks are, the last first */
  #ticks = new Map();

  constructor(text, names) {
    this.#text = text;
    this.#names = names;
    for (const { 0: run, index } of [...text.matchAll(/`+/g)].reverse()) {
      if (!this.#ticks.has(run.length)) this.#ticks.set(run.length, []);
      this.#ticks.get(run.length).push(index);
    }
  }

  /** @returns {Part[]} */
  read() {
    const sign = /`+|\*+|_+|@|https?:\/\//gi;
    let from = 0;
    for (let found; (found = sign.exec(this.#text)); ) {
      this.#parts.push(this.#text.slice(from, found.index));
      from = sign.lastIndex = this.#take(found[0], found.index);
    }
    this.#parts.push(this.#text.slice(from));
    return this.#parts.filter((part) => part !== "");
  }

  /** @returns {number} where to read on */
  #take(sign, at) {
    if (sign[0] === "`") return this.#takeCode(sign.length, at);
    if (sign[0] in LONGEST_RUN) return this.#takeMark(sign, at);
    if (sign === "@") return this.#takeMention(at);
    return this.#takeAddress(sign, at);
  }

  /** Code ends at as many backticks as it began with. */
  #takeCode(length, at) {
    const begin = at + length;
    const ends = this.#ticks.get(length);
    while (ends.at(-1) <= at) ends.pop();
    if (!ends.length) return this.#write(at, begin);
    const text = this.#text.slice(begin, ends.at(-1));
    const isPadded = text.startsWith(" ") && text.endsWith(" ") && text.trim(); // for a backtick at the edge
    this.#parts.push({ kind: "code", text: isPadded ? text.slice(1, -1) : text });
    return ends.at(-1) + length;
  }

  #takeMark(run, at) {
    const end = at + run.length;
    if (run.length > LONGEST_RUN[run[0]]) return this.#write(at, end);
    const before = [...this.#text.slice(Math.max(0, at - 2), at)].at(-1) ?? "";
    const [after = ""] = this.#text.slice(end, end + 2);
    const { canOpen, canClose } = borders(run, before, after);
    const left = canClose ? this.#close(run[0], run.length) : run.length;
    this.#parts.push(run.slice(0, left));
    if (left && canOpen) this.#open.push({ sign: run[0], count: left, at: this.#parts.length - 1 });
    if (this.#open.length > DEEPEST) this.#open.shift();
    return end;
  }

  /** Close what is open, the innermost first. @returns {number} how much of the run is left */
  #close(sign, count) {
    for (let depth = this.#open.length - 1; depth >= 0; depth -= 1) {
      const mark = this.#open[depth];
      for (let use; mark.sign === sign && (use = shared(mark.count, count)); count -= use) {
        mark.count -= use;
        const children = this.#parts.splice(mark.at + 1);
        this.#parts[mark.at] = sign.repeat(mark.count);
        this.#parts.push({ kind: use === 2 ? "strong" : "em", children: children.filter((part) => part !== "") });
        this.#open.length = mark.count ? depth + 1 : depth;
      }
    }
    return count;
  }

  #takeMention(at) {
    const end = mayBegin(this.#text, at) ? endOfName(this.#text, at + 1, this.#names) : at + 1;
    if (end === at + 1) return this.#write(at, end);
    this.#parts.push({ kind: "mention", text: this.#text.slice(at, end) });
    return end;
  }

  #takeAddress(scheme, at) {
    if (LATIN.test(this.#text[at - 1] ?? "")) return this.#write(at, at + scheme.length);
    ADDRESS.lastIndex = at;
    const text = withoutEnd(ADDRESS.exec(this.#text)[0]);
    this.#parts.push(isAddress(text) ? { kind: "link", text } : text);
    return at + text.length;
  }

  #write(from, to) {
    this.#parts.push(this.#text.slice(from, to));
    return to;
  }
}

/**
 * Whether a run may open and close what is marked: there is no space inside. Unlike in CommonMark,
 * punctuation does not matter, since in Chinese there is no space outside either.
 */
function borders(run, before, after) {
  const canOpen = !GAP.test(after);
  const canClose = !GAP.test(before);
  if (run === "_") return { canOpen: canOpen && !WORD.test(before), canClose: canClose && !WORD.test(after) };
  const factor = run.length === 1 ? LATIN : DIGIT; // a*b*c and 2**3**4 are products and powers
  const isSign = !(factor.test(before) && factor.test(after));
  return { canOpen: canOpen && isSign, canClose: canClose && isSign };
}

/** How many signs two runs share: 2 are bold, 1 is italics; of two and one it is none. */
function shared(opening, closing) {
  const use = Math.min(opening, closing, 2);
  return use === 1 && Math.max(opening, closing) === 2 ? 0 : use;
}

/** An address without the punctuation of the sentence that it stands in. */
function withoutEnd(address) {
  const surplus = {};
  for (const [close, open] of Object.entries(BRACKETS)) {
    surplus[close] = address.split(close).length - address.split(open).length;
  }
  let end = address.length;
  while (AFTER_ADDRESS.includes(address[end - 1]) || surplus[address[end - 1]]-- > 0) end -= 1;
  return address.slice(0, end);
}

function isAddress(text) {
  try {
    return Boolean(new URL(text).hostname);
  } catch {
    return false;
  }
}

function drawPart(part) {
  if (typeof part === "string") return document.createTextNode(part);
  return DRAWN[part.kind](part);
}

const DRAWN = {
  strong: ({ children }) => element("strong", ...children.map(drawPart)),
  em: ({ children }) => element("em", ...children.map(drawPart)),
  code: ({ text }) => element("code", text),
  link: drawLink,
  mention: drawMention,
  block: drawBlock,
};

function drawLink({ text }) {
  const link = element("a", text);
  link.href = text;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow ugc";
  const host = hostBehind(link);
  if (host) link.dataset.host = host;
  return link;
}

/**
 * Where a link leads, if that is not what is written: `https://bank.example@evil.example`, letters that look like
 * others (`xn--…`), numbers for an address.
 * @param {HTMLAnchorElement} link
 */
function hostBehind({ text, host }) {
  const [, , written] = text.split(/[/?#]/, 3);
  return written.toLowerCase() === host ? "" : host;
}

function drawMention({ text }) {
  const drawn = element("span", text);
  drawn.className = "mention";
  return drawn;
}

function drawBlock({ text, language }) {
  const drawn = element("pre", element("code", text));
  drawn.tabIndex = 0; // so that the keyboard can scroll it
  if (language) drawn.dataset.language = language;
  return drawn;
}

function element(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}
