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

/** What opens a block of code, and what may follow it there: its language, with attributes that are not shown. */
const FENCE = /^([ \t]*)(`{3,}(?=[^`]*$)|~{3,})(.*)$/s;
const INFO = /^([\w+#.-]*)(\s*\{.*\}|(\s+[\w-]+="[^"]*")*)$/s;

const GAP = /^\s?$/u;
const WORD = /[\p{L}\p{N}/\\]/u;
const OPENING = /\p{Ps}/u;
const CLOSING = /\p{Pe}/u;
const LATIN = /[a-z0-9]/i;
const DIGIT = /[0-9]/;

/** What a product's sign stands before, f*(g), and behind, (f)*g; and the asterisk of f(*a,*b). */
const FACTOR = /[a-z0-9([{]/i;
const FACTOR_END = /[a-z0-9)\]},]/i;

/**
 * An address ends at Chinese, Japanese or Korean, before which there is often no space, unless a part of it begins
 * with that; and at punctuation of any script, except for what stands within words.
 */
const CJK = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]`;
const PLAIN = String.raw`(?![\s<>"\x60\p{C}\u3000-\u303f\uff00-\uffef]|(?![\0-\x7f\xb7\u05be\u0f0b\u2010-\u2013\u30fb\p{Pc}])\p{P}|${CJK})`;
const HOST = `(?:(?<=[/.])${CJK}(?:${CJK}|${PLAIN}[^/?#.])*|${PLAIN}[^/?#])*`;
const PATH = `(?:(?<=[/=#])${CJK}(?:${CJK}|${PLAIN}[^/?#=&])*|${PLAIN}.)*`;
const ADDRESS = new RegExp(HOST + PATH, "suy");

/** What ends a sentence rather than an address; brackets do so unless they were opened in the address. */
const AFTER_ADDRESS = /[.,;:!?'~]|(?![\0-\x7f])\p{P}/u;
const BRACKETS = { ")": "(", "]": "[", "}": "{" };

/**
 * @param {string} text
 * @param {string[]} [names] of those whom it names
 * @returns {Part[]}
 */
export function parse(text, names = []) {
  const lines = text.split(/\r\n?|\n/);
  const longest = longestEnds(lines);
  const parts = [];
  for (let at = 0, isAfterLine = false; at < lines.length; at += 1) {
    const [, indent, fence, info] = lines[at].match(FENCE) ?? [];
    const isBlock = fence && longest[at + 1][fence[0]] >= fence.length;
    if (isBlock) {
      const begin = at + 1;
      do at += 1;
      while (!endOfFence(lines[at]).startsWith(fence));
      parts.push(block(info.trim(), indent.length, lines.slice(begin, at + 1)));
    } else {
      if (isAfterLine) parts.push("\n");
      parts.push(...new Line(lines[at], names).read());
    }
    isAfterLine = !isBlock;
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

/** @returns {Record<string, number>[]} the longest end of a fence, of each sign, in each line or after it */
function longestEnds(lines) {
  const longest = [{ "`": 0, "~": 0 }];
  for (const line of [...lines].reverse()) {
    const { [0]: sign, length } = endOfFence(line);
    const later = longest.at(-1);
    longest.push(length > later[sign] ? { ...later, [sign]: length } : later);
  }
  return longest.reverse();
}

/** The signs with which a line ends a fence. Only those of backticks may follow code. */
function endOfFence(line) {
  const text = line.trimEnd();
  const sign = text.at(-1);
  let begin = text.length;
  while (begin > 0 && text[begin - 1] === sign) begin -= 1;
  const isEnd = text.length - begin >= 3 && (sign === "`" || (sign === "~" && !text.slice(0, begin).trim()));
  return isEnd ? text.slice(begin) : "";
}

/** A block of code. Its last line ends with the fence, and may be the fence alone. */
function block(info, indent, lines) {
  const last = lines.pop().trimEnd();
  const code = last.slice(0, last.length - endOfFence(last).length);
  if (code.trim()) lines.push(code);
  const indented = new RegExp(`^[ \\t]{0,${indent}}`);
  const text = lines.map((line) => line.replace(indented, ""));
  const [, language] = info.match(INFO) ?? [];
  if (language === undefined) text.unshift(info);
  return { kind: "block", text: text.join("\n"), language: language ?? "" };
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
    ADDRESS.lastIndex = at + scheme.length;
    const marks = this.#open.map(({ sign }) => sign);
    const text = withoutEnd(scheme + ADDRESS.exec(this.#text)[0], marks);
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
  const canOpen = !GAP.test(after) && !CLOSING.test(after);
  const canClose = !GAP.test(before) && !OPENING.test(before);
  if (run === "_") return { canOpen: canOpen && !WORD.test(before), canClose: canClose && !WORD.test(after) };
  if (run.length === 1) {
    return {
      canOpen: canOpen && !(LATIN.test(before) && FACTOR.test(after)),
      canClose: canClose && !(FACTOR_END.test(before) && LATIN.test(after)),
    };
  }
  const isPower = DIGIT.test(before) && DIGIT.test(after);
  return { canOpen: canOpen && !isPower, canClose: canClose && !isPower };
}

/** How many signs two runs share: 2 are bold, 1 is italics; of two and one it is none. */
function shared(opening, closing) {
  const use = Math.min(opening, closing, 2);
  return use === 1 && Math.max(opening, closing) === 2 ? 0 : use;
}

/** An address without the punctuation of the sentence that it stands in, and without the signs of open marks. */
function withoutEnd(address, marks) {
  const surplus = {};
  for (const [close, open] of Object.entries(BRACKETS)) {
    surplus[close] = address.split(close).length - address.split(open).length;
  }
  const isAfter = (sign) => AFTER_ADDRESS.test(sign) || marks.includes(sign) || surplus[sign]-- > 0;
  let end = address.length;
  while (isAfter(address[end - 1])) end -= 1;
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

/** The keyboard reaches the blocks that it can scroll. */
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

function drawBlock({ text, language }) {
  const drawn = element("pre", element("code", text));
  sizes.observe(drawn);
  if (language) drawn.dataset.language = language;
  return drawn;
}

function element(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}
