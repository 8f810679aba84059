/** Scrolling of the message log: follows the newest message, or keeps the reader's position, and loads pages of history. */

import { backoff } from "../../../base/js/backoff.js";
import { gettext, ngettext } from "../../../base/js/i18n.js";
import { HistoryLoader } from "./history-loader.js";
import { hasText } from "./message-element.js";
import { formatBadge } from "../unread/unread-counts.js";

/** Closer to the end than this counts as at the end (pixels). */
const END_DISTANCE = 48;

/** Farther from the end than this, a button to jump there is shown (heights of the view). */
const JUMP_DISTANCE = 2;

/** Position of the line above new messages when the room is opened (height of the view). */
const NEW_LINE_POSITION = 1 / 3;

/** How long the target of a permalink is highlighted (milliseconds). */
const HIGHLIGHT_TIME = 3000;

/** How many messages the document holds, and how many more before those at the far end are removed. */
const MAX_MESSAGES = 500;
const TRIM_MARGIN = 100;

/** A page of messages before this number has the room's first one. */
const FIRST_PAGE_END = 51;

/** Backoff of requests for the newest page (milliseconds). */
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 30_000;

const OLDER = {
  loading: gettext("Loading earlier messages…"),
  failed: gettext("Couldn't load earlier messages."),
};
const NEWER = {
  loading: gettext("Loading later messages…"),
  failed: gettext("Couldn't load later messages."),
  last: "",
};

/** @typedef {{number: number, bottom: number}} Place the first message in view, and the position of its end (pixels) */

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
  #generation = 0; // grows when the log is emptied or replaced, so that pages requested before are dropped
  #isReceiving = false; // messages were received that `show` has not shown yet
  #isPageMissing = false; // the page to show after a reset is still to be loaded
  /** @type {number | null} the number after which messages were missed, until the line is shown above them */
  #missedAfter = null;
  #failures = 0;
  #retryTimer = 0;
  /** @type {{key: number | string, bottom: number} | null} the first message in view, and the position of its end */
  #anchor = null;
  #width = 0;
  #ownScrollTop = -1; // where this class has scrolled to last
  #attention;
  /** @type {Date | null} since when the reader has not seen the end */
  #leftAt = null;
  #isLineShown = false;

  /**
   * @param {HTMLElement} scroller
   * @param {import("./chat-log.js").ChatLog} log
   * @param {{start: HTMLElement, more: HTMLElement, end: HTMLElement}} edges elements above the oldest message, below the
   *   newest message shown, and below the room's last message
   * @param {HTMLButtonElement} pill jumps to the end
   * @param {(query: {before?: number, after?: number}) => Promise<{messages: object[], isLast: boolean}>} fetchPage
   * @param {import("../unread/attention.js").Attention} attention
   * @param {Node} beginning of the room, shown above its first message
   */
  constructor(scroller, log, { start, more, end }, pill, fetchPage, attention, beginning) {
    this.#scroller = scroller;
    this.#log = log;
    this.#pill = pill;
    this.#fetchPage = fetchPage;
    this.#attention = attention;
    this.#older = new HistoryLoader(scroller, start, { ...OLDER, last: beginning }, () => this.#load({ before: log.oldest }));
    this.#end = end;
    this.#newer = new HistoryLoader(scroller, more, NEWER, () => this.#load({ after: log.newest }));
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    attention.addEventListener("change", () => this.#trackPresence());
    pill.addEventListener("click", () => this.jumpToEnd());
    // Content above the view can change its height at any time, for example with the window's width.
    const resized = new ResizeObserver(() => this.keepPosition());
    for (const each of [scroller, log, start, more]) resized.observe(each);
  }

  /**
   * Show the messages that came with the page.
   * @param {object[]} messages oldest first
   * @param {{isStart: boolean, isEnd: boolean}} ends whether they include the room's first, and last, message
   * @param {{lastRead: number | null, readAt: Date | null, unread: number}} read the seq up to which the person has read
   *   (null for nothing), the time of that message, and the count of later messages of others
   * @param {Place | number | null} target the reader's position, or the number of the message to scroll to; without one,
   *   the first new message, or the end
   */
  open(messages, ends, { lastRead, readAt, unread }, target) {
    this.#extend(messages, ends);
    const unseen = lastRead === null ? [] : this.#log.othersAfter(lastRead);
    // Messages may be missed before the connection is open. On a first visit they have no line.
    this.#leftAt = messages.length ? new Date(messages.at(-1).at) : new Date();
    this.#isLineShown = lastRead === null;
    if (unseen.length) this.#markNew(unseen[0].number, readAt, ends.isEnd ? unseen.length : unread);
    else if (!ends.isEnd) this.#setUnseen(unread);
    if (typeof target === "number") this.#scrollToTarget(this.#log.item(target));
    else if (target) this.#scrollToPlace(target);
    else if (unseen.length) this.#scrollToNewLine();
    else if (!ends.isEnd) this.jumpToEnd();
  }

  /**
   * Load the log again: more messages were missed than the server sends.
   * @param {number} seq of the log's last change: states from before it, which the page shows, may be lost
   * @param {boolean} isRewound whether the messages shown belong to another log: load the newest page. Otherwise, load the
   *   page at the reader's position.
   */
  reload(seq, isRewound) {
    this.#generation += 1;
    this.#isPageMissing = true;
    this.#failures = 0;
    this.#missedAfter = isRewound || this.#isLineShown ? null : (this.#missedAfter ?? this.#log.lastReceived);
    if (isRewound) this.#log.clear();
    else this.#log.detachEnd(seq);
    this.#newer.stop();
    this.#end.hidden = true;
    this.#scrolled();
    this.retry();
  }

  /** Load the page to show after a reset if it is still missing: at once, and again after failures. */
  async retry() {
    if (!this.#isPageMissing) return;
    clearTimeout(this.#retryTimer);
    const generation = this.#generation;
    if (this.#isEmpty) await this.#older.load(() => this.#loadNewest());
    else await this.#newer.load(() => this.#loadPlace());
    if (!this.#isPageMissing || generation !== this.#generation) return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.retry(), backoff(this.#failures++, FIRST_DELAY, LONGEST_DELAY));
  }

  /**
   * Add a message to the log. Call `show` after the last one: positions are read once for all of them.
   * @param {import("./message-element.js").Message} message in its current state
   * @returns {boolean} whether it was just sent, and is not an event of the room
   */
  receive(message) {
    this.#saveAnchor();
    this.#isReceiving = true;
    const isNew = this.#log.apply(message);
    if (message.deleted && message.number === this.#log.newLine?.number) this.#moveNewLine();
    if (!isNew || !hasText(message)) return false;
    if (this.#leftAt && message.author.id !== this.#log.reader) this.#showNewLine(message.number);
    if (!this.#atEnd) this.#unseen += 1;
    return true;
  }

  /** Show the messages received since the last call, and keep the reader's position. */
  show() {
    if (!this.#isReceiving) return;
    this.#isReceiving = false;
    this.keepPosition();
    this.#trim();
    this.#setUnseen(this.#unseen);
  }

  /** The reader has sent a message, and so has read everything. */
  sent() {
    this.#log.showNewLine(null);
    this.#isLineShown = false;
    this.jumpToEnd();
  }

  /** Change the height of an item, and keep its beginning in place. @param {Element} item @param {() => void} change */
  resize(item, change) {
    const { top } = item.getBoundingClientRect();
    change();
    this.#scroller.scrollTop += item.getBoundingClientRect().top - top;
    this.#ownScrollTop = -1; // the reader's own doing: the view does not follow the end
    this.#scrolled();
  }

  jumpToEnd() {
    if (this.isLive) this.#scrollToEnd();
    else if (this.#isPageMissing && this.#isEmpty) this.retry();
    else this.#newer.load(() => this.#loadNewest());
  }

  /** Whether the room's last message is shown. */
  get isLive() {
    return this.#log.newest === Infinity;
  }

  /** Whether the view is at the room's last message. */
  get isAtEnd() {
    return this.#atEnd;
  }

  /** Whether no page is shown. */
  get #isEmpty() {
    return this.#log.newest === 0;
  }

  /** @returns {Place | null} the reader's position; null at the end */
  get place() {
    const key = this.#anchor?.key;
    return Number.isInteger(key) ? { number: Number(key), bottom: this.#anchor.bottom } : null;
  }

  /** Whether a page is shown, and none is missing after a reset. */
  get isComplete() {
    return !this.#isPageMissing && !this.#isEmpty;
  }

  /** The room is left: load nothing more. */
  close() {
    this.#generation += 1;
    this.#isPageMissing = false;
    clearTimeout(this.#retryTimer);
    this.#older.stop();
    this.#newer.stop();
  }

  #scrollToPlace({ number, bottom }) {
    this.#atEnd = false;
    this.#anchor = { key: number, bottom };
    this.keepPosition();
    this.#scrolled();
  }

  #scrollToTarget(item) {
    item.scrollIntoView({ block: "center" });
    item.classList.add("message--target");
    item.focus({ preventScroll: true });
    setTimeout(() => item.classList.remove("message--target"), HIGHLIGHT_TIME);
    this.#scrolled();
  }

  /** Mark the messages from a number on as new, until the end comes into view. */
  #markNew(number, since, count) {
    this.#log.showNewLine({ number, since });
    [this.#leftAt, this.#isLineShown] = [since ?? new Date(), true];
    this.#unseen = count;
  }

  #scrollToNewLine() {
    const line = this.#log.item(this.#log.newLine.number).previousElementSibling;
    const { top, height } = this.#scroller.getBoundingClientRect();
    this.#scroller.scrollTop += line.getBoundingClientRect().top - top - height * NEW_LINE_POSITION;
    this.#scrolled();
  }

  #scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#ownScrollTop = this.#scroller.scrollTop;
    this.#scrolled();
  }

  #scrolled() {
    // The scroll event of our own scrolling may arrive after the window was resized or the log has grown, and before
    // the position is restored.
    if (this.#scroller.clientWidth !== this.#width) return this.keepPosition();
    const isOwn = this.#scroller.scrollTop === this.#ownScrollTop;
    if (this.#atEnd && this.isLive && isOwn && this.#distance >= END_DISTANCE) return this.keepPosition();
    this.#atEnd = this.isLive && this.#distance < END_DISTANCE;
    this.#saveAnchor();
    this.#trackPresence();
    this.#setUnseen(this.#atEnd ? 0 : this.#unseen);
  }

  /** Distance from the view to the end below it (pixels). */
  get #distance() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  /** Remember the first message in view. It stays the anchor at other widths, where another message may be the first. */
  #saveAnchor() {
    if (this.#isReceiving) return; // until they are shown, the positions are those of before
    const isRestored = this.#scroller.clientWidth === this.#width;
    if (!isRestored || Math.abs(this.#drift) < 1) return;
    const item = this.#atEnd ? null : this.#log.firstBelow(this.#scroller.getBoundingClientRect().top);
    this.#anchor = item && { key: this.#log.key(item), bottom: this.#bottomOf(item) };
  }

  /**
   * Restore the position of the anchor after a change of the content or the size.
   * Call it as text is typed: the composer may have been lower for a moment, which scrolls the end away.
   */
  keepPosition() {
    this.#width = this.#scroller.clientWidth;
    if (this.#atEnd) return this.#scrollToEnd();
    const drift = this.#drift;
    if (drift) this.#scroller.scrollTop += drift;
  }

  /** How far the anchor has moved (pixels); NaN if there is none. */
  get #drift() {
    const item = this.#anchor && !this.#atEnd && this.#log.item(this.#anchor.key);
    return item ? this.#bottomOf(item) - this.#anchor.bottom : Number.NaN;
  }

  /** Position of an item's end in the view. Its beginning can move: the first message of a group has a heading. */
  #bottomOf(item) {
    return item.getBoundingClientRect().bottom - this.#scroller.getBoundingClientRect().top;
  }

  /** Track since when the reader has been away from the end. */
  #trackPresence() {
    const isPresent = this.#atEnd && this.#attention.isPresent;
    if (isPresent) this.#leftAt = null;
    else if (!this.#leftAt) [this.#leftAt, this.#isLineShown] = [new Date(), false];
  }

  /** Show the line above the first message that has arrived while the reader was away. */
  #showNewLine(number) {
    if (this.#isLineShown || this.#missedAfter !== null) return;
    this.#isLineShown = true;
    this.#log.showNewLine({ number, since: this.#leftAt });
    this.keepPosition();
  }

  /** The message below the line was deleted: move the line to the next message of others. */
  #moveNewLine() {
    const [next] = this.#log.othersAfter(this.#log.newLine.number);
    this.#log.showNewLine(next ? { ...this.#log.newLine, number: next.number } : null);
    this.#isLineShown = Boolean(next);
  }

  #setUnseen(count) {
    this.#unseen = count;
    const isNear = this.isLive && this.#distance <= JUMP_DISTANCE * this.#scroller.clientHeight;
    const hadFocus = document.activeElement === this.#pill;
    this.#pill.hidden = count === 0 && isNear;
    if (hadFocus && this.#pill.hidden) this.#scroller.focus({ preventScroll: true });
    this.#pill.querySelector("span").textContent = pillText(count);
  }

  async #loadNewest() {
    const generation = this.#generation;
    await this.#load({});
    if (this.isLive) this.#scrollToEnd();
    else if (generation !== this.#generation && this.isComplete) await this.#loadNewest(); // another page was shown meanwhile
  }

  /** Load the page that begins with the first message in view. */
  #loadPlace() {
    const first = this.#anchor?.key;
    const place = Number.isInteger(first) ? first : this.#log.newest;
    return this.#load(place > 1 ? { after: place - 1 } : { before: FIRST_PAGE_END }, true);
  }

  #load(query, isReset = false) {
    const generation = this.#generation;
    return this.#log.whileLoading(async () => {
      const page = await this.#fetchPage(query).catch((error) => error);
      if (generation !== this.#generation) return this.#showEdges();
      if (page instanceof Error) throw page;
      const { messages, isLast } = page;
      if (isReset) this.#replace(messages, { isStart: !query.after && isLast, isEnd: Boolean(query.after) && isLast });
      else if (query.after) this.#extend(messages, { isEnd: isLast });
      else if (query.before) this.#extend(messages, { isStart: isLast });
      else this.#showNewest(messages, isLast);
    });
  }

  #showNewest(messages, isStart) {
    if (this.#isPageMissing) return this.#replace(messages, { isStart, isEnd: true });
    this.#generation += 1;
    this.#extend(messages, { isStart, isEnd: true });
  }

  #replace(messages, ends) {
    this.#generation += 1;
    this.#isPageMissing = false;
    this.#saveAnchor();
    this.#log.replace(messages, ends);
    this.#shown();
  }

  /** Show a page of history, and keep the reader's position. */
  #extend(messages, ends) {
    this.#saveAnchor();
    this.#log.extend(messages, ends);
    this.#shown();
  }

  #shown() {
    this.#showMissedLine();
    this.#showEdges();
    this.keepPosition();
    this.#trim();
  }

  #showMissedLine() {
    const [first] = this.#missedAfter === null ? [] : this.#log.othersAfter(this.#missedAfter);
    if (!first) return;
    this.#missedAfter = null;
    this.#showNewLine(first.number);
  }

  #showEdges() {
    if (this.#isPageMissing) return;
    this.#older.show(this.#log.oldest <= 1);
    this.#newer.show(this.isLive);
    this.#end.hidden = !this.isLive;
  }

  /** Remove messages that are far from the view, so that the document stays small. */
  #trim() {
    if (this.#log.size < MAX_MESSAGES + TRIM_MARGIN) return;
    this.#saveAnchor();
    const hadFocus = this.#log.contains(document.activeElement);
    this.#log.trim(MAX_MESSAGES, this.#log.item(this.#anchor?.key));
    if (hadFocus && !this.#log.contains(document.activeElement)) this.#scroller.focus({ preventScroll: true });
    this.#showEdges();
    this.keepPosition();
  }
}

function pillText(unseen) {
  if (unseen === 0) return gettext("Jump to latest");
  return ngettext("{count} new message", "{count} new messages", unseen, { count: formatBadge(unseen) });
}
