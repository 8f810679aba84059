/** `<live-feed>`: the live feed of a room. A button starts it, and a card shows its lines, for all people in the room. */

import { isolate, showSentence } from "../../base/js/bidi.js";
import { errorText, postForm } from "../../base/js/form-post.js";
import { gettext } from "../../base/js/i18n.js";
import { ReconnectingSocket } from "../../base/js/reconnecting-socket.js";
import { timeFormat } from "../../base/js/time-format.js";

/** How many lines are shown. */
const MAX_LINES = 3;

class LiveFeed extends HTMLElement {
  #form;
  #card;
  #lines;
  #stop;
  /** @type {ReconnectingSocket | null} */
  #socket = null;

  connectedCallback() {
    this.#form = this.querySelector("form");
    this.#card = this.querySelector(".feed");
    this.#lines = this.#part("lines");
    this.#stop = this.#part("stop");
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#request(this.#form.action);
    });
    this.#stop.addEventListener("click", () => this.#request(this.#form.dataset.stop));
    this.#socket = new ReconnectingSocket({
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
    if (message) this.#addLine(message);
  }

  #show({ running, waiting, by, since }) {
    const state = this.#part("state");
    this.#card.hidden = !running;
    this.#form.querySelector("button").disabled = running;
    this.#stop.hidden = !running;
    if (!running) return [state, this.#lines].forEach((part) => part.replaceChildren());
    this.#part("error").hidden = true;
    this.#card.classList.toggle("is-waiting", waiting);
    const values = { name: isolate(by), time: timeFormat.format(new Date(since)) };
    const text = waiting
      ? gettext("Live feed, started by {name} at {time} · starting…", values)
      : gettext("Live feed, started by {name} at {time}", values);
    showSentence(state, text);
  }

  #addLine(line) {
    const item = document.createElement("li");
    item.textContent = line;
    this.#lines.prepend(item);
    if (this.#lines.children.length > MAX_LINES) this.#lines.lastElementChild.remove();
  }

  async #request(address) {
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
    this.#card.hidden = false;
    const values = { problem: detail, seconds: Math.ceil(seconds) };
    error.textContent = seconds
      ? gettext("That didn't work: {problem} Try again in {seconds} s.", values)
      : gettext("That didn't work: {problem}", values);
    error.hidden = false;
  }
}

customElements.define("live-feed", LiveFeed);
