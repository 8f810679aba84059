/** Scrolling: it stays at the newest message, or wherever the reader is, and others come as one nears them. */

import { gettext, ngettext } from "../../base/js/i18n.js";
import { Edge } from "./edge.js";
import { written } from "./unread.js";

/** This close to the end counts as being there (pixels). */
const NEAR = 48;

/** So many heights of the view away, the end is worth a jump. */
const FAR = 2;

/** Where the line above what is new stands when the room is opened: so far down the view. */
const NEWS_AT = 1 / 3;

/** How long a message stands out to which a link has led (milliseconds). */
const STANDS_OUT = 3000;

/** So many messages stand in the document; more are let go of at the far end, when it is worth it. */
const MOST = 500;
const SPARE = 100;

/** How long to wait before the newest page is asked for again: up to this, doubled with each failure (milliseconds). */
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 30_000;

const OLDER = {
  loading: gettext("Loading earlier messages…"),
  failed: gettext("Earlier messages could not be loaded."),
  last: gettext("This is where the room begins."),
};
const NEWER = {
  loading: gettext("Loading later messages…"),
  failed: gettext("Later messages could not be loaded."),
  last: "",
};

export class Timeline {
  #scroller;
  #log;
  #pill;
  #fetchPage;
  #older;
  #newer;
  #end;
  #atEnd = true;
  #unseen = 0;
  #visit = 0; // grows when all is shown anew, so that no page is added to what is gone
  #isOwed = false; // nothing is shown, and the newest page has not come yet
  #failures = 0;
  #retryTimer = 0;
  /** @type {{key: number | string, bottom: number} | null} the first message in view, and where it ends there */
  #anchor = null;
  #width = 0;
  #echo = -1; // where we scrolled to last
  /** @type {Date | null} since when the reader has not seen the end */
  #leftAt = null;
  #isLineDrawn = false;

  /**
   * @param {HTMLElement} scroller
   * @param {import("./chat-log.js").ChatLog} log
   * @param {{start: HTMLElement, more: HTMLElement, end: HTMLElement}} edges what stands above the oldest message,
   *   below the newest one that is shown, and below the last of the room
   * @param {HTMLButtonElement} pill what leads to the end
   * @param {(query: {before?: number, after?: number}) => Promise<{messages: object[], isLast: boolean}>} fetchPage
   */
  constructor(scroller, log, { start, more, end }, pill, fetchPage) {
    this.#scroller = scroller;
    this.#log = log;
    this.#pill = pill;
    this.#fetchPage = fetchPage;
    this.#older = new Edge(scroller, start, OLDER, () => this.#load({ before: log.oldest }));
    this.#end = end;
    this.#newer = new Edge(scroller, more, NEWER, () => this.#load({ after: log.newest }));
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    document.addEventListener("visibilitychange", () => this.#notePresence());
    pill.addEventListener("click", () => this.toEnd());
    // What is above the view may grow and shrink at any time: texts, images, the window's width.
    const resized = new ResizeObserver(() => this.#keepPlace());
    for (const each of [scroller, log, start, more]) resized.observe(each);
  }

  /**
   * Show what came with the room's page.
   * @param {object[]} messages the oldest first
   * @param {{isStart: boolean, isEnd: boolean}} ends whether nothing comes before, and after
   * @param {{lastRead: number | null, readAt: Date | null, unread: number}} reading up to which seq all was read,
   *   when the last of it was said, and how many messages of others came after; null for who has read nothing
   * @param {number | null} place the number of the message to begin at; without one it is what is new, or the end
   */
  open(messages, ends, { lastRead, readAt, unread }, place) {
    this.#extend(messages, ends);
    const news = lastRead === null ? [] : this.#log.saidAfter(lastRead);
    if (news.length) this.#mark(news[0].number, readAt, ends.isEnd ? news.length : unread);
    if (place) this.#goTo(this.#log.item(place));
    else if (news.length) this.#goToNews();
    else if (!ends.isEnd) this.toEnd();
  }

  /** Remove what is shown, which is of another log or has a gap, and load the newest page, until it comes. */
  reload() {
    this.#visit += 1;
    this.#isOwed = true;
    this.#failures = 0;
    this.#log.clear();
    this.#newer.rest();
    this.#end.hidden = true;
    this.#scrolled();
    this.retry();
  }

  /** Load the newest page if it is still missing: at once, and again after a failure. */
  async retry() {
    if (!this.#isOwed) return;
    clearTimeout(this.#retryTimer);
    const visit = this.#visit;
    await this.#older.load(() => this.#loadNewest());
    if (!this.#isOwed || visit !== this.#visit) return;
    clearTimeout(this.#retryTimer);
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#failures++);
    this.#retryTimer = setTimeout(() => this.retry(), delay * (0.5 + Math.random() / 2));
  }

  /**
   * @param {import("./message.js").Message} message as it now is
   * @returns {boolean} whether it was just said
   */
  receive(message) {
    this.#noteAnchor();
    const isNew = this.#log.apply(message);
    if (message.deleted && message.number === this.#log.news?.number) this.#moveLine();
    this.#keepPlace();
    this.#trim();
    if (!isNew || message.deleted) return false;
    if (this.#leftAt && message.author.id !== this.#log.reader) this.#drawLine(message);
    if (!this.#atEnd) this.#countUnseen(this.#unseen + 1);
    return true;
  }

  /** The reader has answered, and so has read everything. */
  answered() {
    this.#log.drawNews(null);
    this.toEnd();
  }

  toEnd() {
    if (this.#isLive) this.#scrollToEnd();
    else if (this.#isOwed) this.retry();
    else this.#newer.load(() => this.#loadNewest());
  }

  /** Whether what is shown reaches to what is being said. */
  get #isLive() {
    return this.#log.newest === Infinity;
  }

  #goTo(item) {
    item.scrollIntoView({ block: "center" });
    item.classList.add("message--here");
    item.focus({ preventScroll: true });
    setTimeout(() => item.classList.remove("message--here"), STANDS_OUT);
    this.#scrolled();
  }

  /** From there on the reader has seen nothing, until the end is in sight. */
  #mark(number, since, count) {
    this.#log.drawNews({ number, since });
    [this.#leftAt, this.#isLineDrawn] = [since ?? new Date(), true];
    this.#unseen = count;
  }

  #goToNews() {
    const line = this.#log.item(this.#log.news.number).previousElementSibling;
    const { top, height } = this.#scroller.getBoundingClientRect();
    this.#scroller.scrollTop += line.getBoundingClientRect().top - top - height * NEWS_AT;
    this.#scrolled();
  }

  #scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#echo = this.#scroller.scrollTop;
    this.#scrolled();
  }

  #scrolled() {
    // An echo of our own scrolling may come after the window was resized or the log has grown, and before the
    // place is kept.
    if (this.#scroller.clientWidth !== this.#width) return this.#keepPlace();
    if (this.#atEnd && this.#isLive && this.#scroller.scrollTop === this.#echo && this.#toGo >= NEAR) {
      return this.#keepPlace();
    }
    this.#atEnd = this.#isLive && this.#toGo < NEAR;
    this.#noteAnchor();
    this.#notePresence();
    this.#countUnseen(this.#atEnd ? 0 : this.#unseen);
  }

  /** How far below the view the end is (pixels). */
  get #toGo() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  #noteAnchor() {
    const item = this.#atEnd ? null : this.#log.firstBelow(this.#scroller.getBoundingClientRect().top);
    this.#anchor = item && { key: this.#log.key(item), bottom: this.#bottomOf(item) };
  }

  /** Whatever has changed, what the reader looks at stands where it stood. */
  #keepPlace() {
    this.#width = this.#scroller.clientWidth;
    if (this.#atEnd) return this.#scrollToEnd();
    const item = this.#anchor && this.#log.item(this.#anchor.key);
    if (item) this.#scroller.scrollTop += this.#bottomOf(item) - this.#anchor.bottom;
  }

  /** Where an item ends in the view. It may begin elsewhere: the first of a group has its author's head. */
  #bottomOf(item) {
    return item.getBoundingClientRect().bottom - this.#scroller.getBoundingClientRect().top;
  }

  #notePresence() {
    const isHere = this.#atEnd && !document.hidden;
    if (isHere) this.#leftAt = null;
    else if (!this.#leftAt) [this.#leftAt, this.#isLineDrawn] = [new Date(), false];
  }

  /** Draw the line above the first message that came while the reader was away. */
  #drawLine(message) {
    if (this.#isLineDrawn) return;
    this.#isLineDrawn = true;
    this.#log.drawNews({ number: message.number, since: this.#leftAt });
    this.#keepPlace();
  }

  /** What it stood above was deleted: it stands above what comes next, if that is new. */
  #moveLine() {
    const [next] = this.#log.saidAfter(this.#log.news.number);
    this.#log.drawNews(next ? { ...this.#log.news, number: next.number } : null);
    this.#isLineDrawn = Boolean(next);
  }

  #countUnseen(count) {
    this.#unseen = count;
    const isNear = this.#isLive && this.#toGo <= FAR * this.#scroller.clientHeight;
    this.#pill.hidden = count === 0 && isNear;
    this.#pill.querySelector("span").textContent = pillText(count);
  }

  async #loadNewest() {
    await this.#load({});
    if (this.#isLive) this.#scrollToEnd();
  }

  #load(query) {
    const visit = this.#visit;
    return this.#log.whileLoading(async () => {
      const page = await this.#fetchPage(query).catch((error) => error);
      if (visit !== this.#visit) return this.#showEdges();
      if (page instanceof Error) throw page;
      const { messages, isLast } = page;
      if (query.after) this.#extend(messages, { isEnd: isLast });
      else if (query.before) this.#extend(messages, { isStart: isLast });
      else this.#showNewest(messages, isLast);
    });
  }

  #showNewest(messages, isStart) {
    this.#visit += 1;
    this.#isOwed = false;
    this.#extend(messages, { isStart, isEnd: true });
  }

  /** Show a page without moving what the reader looks at. */
  #extend(messages, ends) {
    this.#noteAnchor();
    this.#log.extend(messages, ends);
    this.#showEdges();
    this.#keepPlace();
    this.#trim();
  }

  #showEdges() {
    if (this.#isOwed) return;
    this.#older.show(this.#log.oldest <= 1);
    this.#newer.show(this.#isLive);
    this.#end.hidden = !this.#isLive;
  }

  /** Messages that are far from the view leave the document, so that it does not grow without end. */
  #trim() {
    if (this.#log.size < MOST + SPARE) return;
    this.#noteAnchor();
    const hadFocus = this.#log.contains(document.activeElement);
    this.#log.trim(MOST, this.#log.item(this.#anchor?.key));
    if (hadFocus && !this.#log.contains(document.activeElement)) this.#scroller.focus({ preventScroll: true });
    this.#showEdges();
    this.#keepPlace();
  }
}

function pillText(unseen) {
  if (unseen === 0) return gettext("Jump to latest");
  return ngettext("{count} new message", "{count} new messages", unseen, { count: written(unseen) });
}
