/**
 * `<live-feed>`: the live feed of a room, as a line with its newest text, for all people in the room. A button in the room's
 * menu starts it. Each reader can hide the line, until the next feed.
 */

import { isolate, showSentence } from "../../base/js/bidi.js";
import { errorText, postForm } from "../../base/js/form-post.js";
import { gettext } from "../../base/js/i18n.js";
import { ReconnectingSocket } from "../../base/js/reconnecting-socket.js";
import { withStorage } from "../../base/js/storage.js";
import { secondFormat, timeFormat } from "../../base/js/time-format.js";

/** Time at the beginning of a line, in UTC. */
const SERVER_TIME = /(?<=^\[)(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?=\])/;

class LiveFeed extends HTMLElement {
  #form;
  #unfold;
  #since = ""; // when the running feed was started
  /** @type {ReconnectingSocket | null} */
  #socket = null;

  connectedCallback() {
    this.#form = /** @type {HTMLFormElement} */ (document.getElementById("feed-start"));
    this.#unfold = document.getElementById("feed-show");
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#request(this.#form.action);
    });
    this.#part("stop").addEventListener("click", () => this.#request(this.#form.dataset.stop));
    this.#part("fold").addEventListener("click", () => this.#fold(this.#since));
    this.#unfold.addEventListener("click", () => this.#fold(""));
    this.#socket = new ReconnectingSocket({
      isForMembers: true, // those of the room, if it is private
      address: () => `/ws/push/${encodeURIComponent(this.getAttribute("room"))}/`,
      isGreeting: ({ feed }) => Boolean(feed),
      onFrame: (frame) => this.#receive(frame),
      onState: () => {}, // the room's own socket shows a lost connection
    });
  }

  disconnectedCallback() {
    this.#socket.close();
  }

  #part(name) {
    return this.querySelector(`.feed__${name}`);
  }

  #receive({ feed, message }) {
    if (feed) this.#show(feed);
    if (message) this.#showLine(message.replace(SERVER_TIME, formatServerTime));
  }

  #show({ running, waiting, by, since }) {
    const state = this.#part("state");
    this.#since = running ? String(since) : "";
    this.#part("error").hidden = true;
    this.#form.querySelector("button").disabled = running;
    this.#part("stop").hidden = !running;
    this.#showFolded();
    if (!running) return [state, this.#part("lines")].forEach((part) => part.replaceChildren());
    this.classList.toggle("is-waiting", waiting);
    const values = { name: isolate(by), time: timeFormat.format(new Date(since)) };
    const text = waiting
      ? gettext("Live feed, started by {name} at {time} · starting…", values)
      : gettext("Live feed, started by {name} at {time}", values);
    showSentence(state, text);
  }

  #showLine(line) {
    const item = document.createElement("li");
    item.textContent = line;
    this.#part("lines").replaceChildren(item);
  }

  /** Hide the line of the feed that began then, or with "" show it. @param {string} since */
  #fold(since) {
    withStorage((storage) => storage.setItem(this.#key, since), "sessionStorage");
    this.#showFolded();
    document.getElementById("room-menu").hidePopover();
    if (!since) this.#part("fold").focus();
    else document.getElementById("room-menu-open").focus();
  }

  #showFolded() {
    const isRunning = this.#since !== "";
    const folded = withStorage((storage) => storage.getItem(this.#key), "sessionStorage");
    const isFolded = isRunning && folded === this.#since;
    this.hidden = !isRunning || isFolded;
    this.#unfold.hidden = !isFolded;
  }

  get #key() {
    return `lobby.feed.${this.getAttribute("room")}`;
  }

  async #request(address) {
    document.getElementById("room-menu").hidePopover();
    try {
      const response = await postForm(address, this.#form);
      const answer = await response.json();
      if (answer.error) return this.#showError(answer.error);
      this.#show(answer.feed);
    } catch (error) {
      this.#showError({ detail: errorText(error, gettext("The server isn't responding.")) });
    }
  }

  #showError({ detail, retry_after: seconds }) {
    const error = this.#part("error");
    this.hidden = false;
    const values = { problem: detail, seconds: Math.ceil(seconds) };
    error.textContent = seconds
      ? gettext("That didn't work: {problem} Try again in {seconds} s.", values)
      : gettext("That didn't work: {problem}", values);
    error.hidden = false;
  }
}

function formatServerTime(text, day, time) {
  return secondFormat.format(new Date(`${day}T${time}Z`));
}

customElements.define("live-feed", LiveFeed);
