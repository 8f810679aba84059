/**
 * Markup of messages: links, code, **bold** and *italics*, a small part of Markdown, and mentions. The parser reads a text
 * once from left to right and nests no deeper than `MAX_DEPTH`, so that its time is linear. A text has no more marked parts
 * than `MAX_MARKED`, and the text between them is joined, so that few nodes show it.
 */

import { isRoomAddress } from "../room-address.js";
import { canBeginMention, endOfName } from "./mentions.js";

/**
 * @typedef {object} Marked
 * @property {"strong" | "em" | "code" | "link" | "mention" | "block"} kind
 * @property {Part[]} [children] of bold and italics
 * @property {string} [text] of all other kinds
 * @property {string} [language] of a code block
 * @typedef {string | Marked} Part
 */

/** How many marks can be open at a time. Beyond that, the oldest becomes plain text. */
const MAX_DEPTH = 16;

/** How many parts of a text are marked: each costs a page much more than text does. The rest is plain text. */
const MAX_MARKED = 200;

/** Longer runs are plain text: drawn lines, or blanks to fill in. */
const MAX_RUN = { "*": 3, _: 1 };

/** The opening fence of a code block, and the rest of its line: a language, with attributes that are not shown. */
const FENCE = /^([ \t]*)(`{3,}(?=[^`]*$)|~{3,})(.*)$/s;
const INFO = /^([\w+#.-]*)(\s*\{.*\}|(\s+[\w-]+="[^"]*")*)$/s;

const GAP = /^\s?$/u;
const WORD = /[\p{L}\p{N}/\\]/u;
const OPENING = /\p{Ps}/u;
const CLOSING = /\p{Pe}/u;
const LATIN = /[a-z0-9]/i;
const DIGIT = /[0-9]/;

/** What may follow a multiplication sign, f*(g), and precede it, (f)*g; and what precedes the asterisks in f(*a,*b). */
const FACTOR = /[a-z0-9([{]/i;
const FACTOR_END = /[a-z0-9)\]},]/i;

/**
 * An address ends before Chinese, Japanese or Korean, which often follows without a space, unless a part of the address
 * begins with it; and before punctuation of any script, except for punctuation within words.
 */
const CJK = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]`;
const PLAIN = String.raw`(?![\s<>"\x60\p{C}\u3000-\u303f\uff00-\uffef]|(?![\0-\x7f\xb7\u05be\u0f0b\u2010-\u2013\u30fb\p{Pc}])\p{P}|${CJK})`;
const HOST = `(?:(?<=[/.])${CJK}(?:${CJK}|${PLAIN}[^/?#.])*|${PLAIN}[^/?#])*`;
const PATH = `(?:(?<=[/=#])${CJK}(?:${CJK}|${PLAIN}[^/?#=&])*|${PLAIN}.)*`;
const ADDRESS = new RegExp(HOST + PATH, "suy");

/** Punctuation that belongs to the sentence, as do brackets that were not opened in the address. */
const AFTER_ADDRESS = /[.,;:!?'~]|(?![\0-\x7f])\p{P}/u;
const BRACKETS = { ")": "(", "]": "[", "}": "{" };

/**
 * @param {string} text
 * @param {string[]} [names] of the people mentioned
 * @returns {Part[]}
 */
export function parse(text, names = []) {
  const lines = text.split(/\r\n?|\n/);
  const longest = longestEnds(lines);
  const parts = [];
  let markable = MAX_MARKED;
  for (let at = 0, isAfterLine = false; at < lines.length; at += 1) {
    const [, indent, fence, info] = lines[at].match(FENCE) ?? [];
    const begin = at;
    const isBlock = markable > 0 && fence && longest[at + 1][fence[0]] >= fence.length;
    if (isBlock) {
      do at += 1;
      while (!endOfFence(lines[at]).startsWith(fence));
    }
    const code = isBlock && block(info.trim(), indent.length, lines.slice(begin + 1, at + 1));
    const isShown = code && code.text.trim() !== ""; // an empty block would be an empty box: it stays as it was written
    if (!isShown && isAfterLine) parts.push("\n");
    if (isShown) {
      parts.push(code);
      markable -= 1;
    } else if (isBlock) {
      parts.push(lines.slice(begin, at + 1).join("\n"));
    } else {
      const line = new Line(lines[at], names, markable);
      parts.push(...line.read());
      markable = line.markable;
    }
    isAfterLine = !isShown;
  }
  return joinTexts(parts);
}

/**
 * @param {string} text
 * @param {string[]} [names] of the people mentioned
 * @returns {DocumentFragment}
 */
export function renderMarkup(text, names) {
  const fragment = document.createDocumentFragment();
  fragment.append(...parse(text, names).map(renderPart));
  return fragment;
}

/** Join neighbouring texts, and drop empty ones. @param {Part[]} parts @returns {Part[]} */
function joinTexts(parts) {
  const joined = [];
  for (const part of parts) {
    if (typeof part === "string" && typeof joined.at(-1) === "string") joined.push(joined.pop() + part);
    else if (part !== "") joined.push(part);
  }
  return joined;
}

/** @returns {Record<string, number>[]} for each line, the longest closing fence of each sign in that line or after it */
function longestEnds(lines) {
  const longest = [{ "`": 0, "~": 0 }];
  for (const line of [...lines].reverse()) {
    const { [0]: sign, length } = endOfFence(line);
    const later = longest.at(-1);
    longest.push(length > later[sign] ? { ...later, [sign]: length } : later);
  }
  return longest.reverse();
}

/** The closing fence at the end of a line. Only a fence of backticks may follow code on the same line. */
function endOfFence(line) {
  const text = line.trimEnd();
  const sign = text.at(-1);
  let begin = text.length;
  while (begin > 0 && text[begin - 1] === sign) begin -= 1;
  const isEnd = text.length - begin >= 3 && (sign === "`" || (sign === "~" && !text.slice(0, begin).trim()));
  return isEnd ? text.slice(begin) : "";
}

/** A code block. Its last line ends with the closing fence, and may have nothing else. */
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

/** Parser of a line. Marks do not span lines. */
class Line {
  #text;
  #names;
  /** @type {Part[]} */
  #parts = [];
  /** @type {{sign: string, count: number, at: number}[]} open marks; `at` is their index in the parts */
  #open = [];
  /** @type {Map<number, number[]>} by length, the offsets of runs of backticks, the last first */
  #ticks = new Map();
  /** How many more parts can be marked. */
  markable;

  constructor(text, names, markable) {
    this.#text = text;
    this.#names = names;
    this.markable = markable;
    for (const { 0: run, index } of [...text.matchAll(/`+/g)].reverse()) {
      if (!this.#ticks.has(run.length)) this.#ticks.set(run.length, []);
      this.#ticks.get(run.length).push(index);
    }
  }

  /** @returns {Part[]} */
  read() {
    const sign = /`+|\*+|_+|@|https?:\/\//gi;
    let from = 0;
    for (let found; this.markable > 0 && (found = sign.exec(this.#text)); ) {
      this.#parts.push(this.#text.slice(from, found.index));
      from = sign.lastIndex = this.#parse(found[0], found.index);
    }
    this.#parts.push(this.#text.slice(from));
    return this.#parts;
  }

  /** @returns {number} the offset at which to continue */
  #parse(sign, at) {
    if (sign[0] === "`") return this.#parseCode(sign.length, at);
    if (sign[0] in MAX_RUN) return this.#parseMark(sign, at);
    if (sign === "@") return this.#parseMention(at);
    return this.#parseAddress(sign, at);
  }

  /** Code ends at a run of as many backticks as it began with. */
  #parseCode(length, at) {
    const begin = at + length;
    const ends = this.#ticks.get(length);
    while (ends.at(-1) <= at) ends.pop();
    if (!ends.length) return this.#addText(at, begin);
    const text = this.#text.slice(begin, ends.at(-1));
    const end = ends.at(-1) + length;
    if (!text.trim()) return this.#addText(at, end);
    const isPadded = text.startsWith(" ") && text.endsWith(" "); // for a backtick at the edge
    return this.#addMarked({ kind: "code", text: isPadded ? text.slice(1, -1) : text }, end);
  }

  #parseMark(run, at) {
    const end = at + run.length;
    if (run.length > MAX_RUN[run[0]]) return this.#addText(at, end);
    const before = [...this.#text.slice(Math.max(0, at - 2), at)].at(-1) ?? "";
    const [after = ""] = this.#text.slice(end, end + 2);
    const { canOpen, canClose } = borders(run, before, after);
    const left = canClose ? this.#close(run[0], run.length) : run.length;
    this.#parts.push(run.slice(0, left));
    if (left && canOpen) this.#open.push({ sign: run[0], count: left, at: this.#parts.length - 1 });
    if (this.#open.length > MAX_DEPTH) this.#open.shift();
    return end;
  }

  /** Close open marks, the innermost first. @returns {number} how much of the run is left */
  #close(sign, count) {
    for (let depth = this.#open.length - 1; depth >= 0; depth -= 1) {
      const mark = this.#open[depth];
      for (let use; this.markable > 0 && mark.sign === sign && (use = shared(mark.count, count)); count -= use) {
        mark.count -= use;
        const children = joinTexts(this.#parts.splice(mark.at + 1));
        this.#parts[mark.at] = sign.repeat(mark.count);
        this.#addMarked({ kind: use === 2 ? "strong" : "em", children });
        this.#open.length = mark.count ? depth + 1 : depth;
      }
    }
    return count;
  }

  #parseMention(at) {
    const end = canBeginMention(this.#text, at) ? endOfName(this.#text, at + 1, this.#names) : at + 1;
    if (end === at + 1) return this.#addText(at, end);
    return this.#addMarked({ kind: "mention", text: this.#text.slice(at, end) }, end);
  }

  #parseAddress(scheme, at) {
    if (LATIN.test(this.#text[at - 1] ?? "")) return this.#addText(at, at + scheme.length);
    ADDRESS.lastIndex = at + scheme.length;
    const marks = this.#open.map(({ sign }) => sign);
    const text = trimAddress(scheme + ADDRESS.exec(this.#text)[0], marks);
    const end = at + text.length;
    return URL.canParse(text) ? this.#addMarked({ kind: "link", text }, end) : this.#addText(at, end);
  }

  #addText(from, to) {
    this.#parts.push(this.#text.slice(from, to));
    return to;
  }

  #addMarked(part, end) {
    this.#parts.push(part);
    this.markable -= 1;
    return end;
  }
}

/**
 * Whether a run can open and close marked text: there is no space on the inner side. Unlike in CommonMark, punctuation on
 * the outer side does not matter, since Chinese has no space there.
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

/** How many signs of two runs form a pair: 2 for bold, 1 for italics, none if one run has two signs and the other one. */
function shared(opening, closing) {
  const use = Math.min(opening, closing, 2);
  return use === 1 && Math.max(opening, closing) === 2 ? 0 : use;
}

/** Remove punctuation of the sentence, and signs of open marks, from the end of an address. */
function trimAddress(address, marks) {
  const surplus = {};
  for (const [close, open] of Object.entries(BRACKETS)) {
    surplus[close] = address.split(close).length - address.split(open).length;
  }
  const isAfter = (sign) => AFTER_ADDRESS.test(sign) || marks.includes(sign) || surplus[sign]-- > 0;
  let end = address.length;
  while (isAfter(address[end - 1])) end -= 1;
  return address.slice(0, end);
}

function renderPart(part) {
  if (typeof part === "string") return document.createTextNode(part);
  return RENDERERS[part.kind](part);
}

const RENDERERS = {
  strong: ({ children }) => element("strong", ...children.map(renderPart)),
  em: renderEmphasis,
  code: ({ text }) => element("code", text),
  link: renderLink,
  mention: renderMention,
  block: renderBlock,
};

/** Letters that are not slanted: they have another emphasis. */
const UPRIGHT = new RegExp(CJK, "u");

function renderEmphasis({ children }) {
  const emphasis = element("em", ...children.map(renderPart));
  if (UPRIGHT.test(emphasis.textContent)) emphasis.className = "upright";
  return emphasis;
}

function renderLink({ text }) {
  const link = element("a", text);
  link.href = text;
  if (!isRoomAddress(link.href)) link.target = "_blank"; // rooms open in place
  link.rel = "noopener noreferrer nofollow ugc";
  const host = hostBehind(link);
  if (host) link.dataset.host = host;
  return link;
}

/**
 * The host of a link, if it differs from the written one: `https://bank.example@evil.example`, look-alike letters
 * (`xn--…`), numeric addresses.
 * @param {HTMLAnchorElement} link
 */
function hostBehind({ text, host }) {
  const [, , written] = text.split(/[/?#]/, 3);
  return written.toLowerCase() === host ? "" : host;
}

function renderMention({ text }) {
  const mention = element("span", text);
  mention.className = "mention";
  return mention;
}

/** Makes code blocks that scroll focusable, so that the keyboard can scroll them. */
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

function renderBlock({ text, language }) {
  const block = element("pre", element("code", text));
  sizes.observe(block);
  if (language) block.dataset.language = language;
  return block;
}

function element(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}
