/** Live feed of a room: a button starts it, a card shows its lines while it runs, for all people in the room. */

import { isolate, showSentence } from "../../base/js/bidi.js";
import { errorText, postForm } from "../../base/js/form-post.js";
import { gettext } from "../../base/js/i18n.js";
import { ReconnectingSocket } from "../../base/js/reconnecting-socket.js";
import { timeFormat } from "../../base/js/time-format.js";

/** How many lines are shown. */
const MAX_LINES = 3;

const roomName = JSON.parse(document.getElementById("room-name").textContent);
const form = document.getElementById("feed-start");
const card = document.getElementById("feed");
const [state, stop, lines, error] = ["state", "stop", "lines", "error"].map((part) => card.querySelector(`.feed__${part}`));

new ReconnectingSocket({
  address: () => `/ws/push/${encodeURIComponent(roomName)}/`,
  isGreeting: ({ feed }) => Boolean(feed),
  onFrame: receive,
  onState: () => {}, // the room's own socket shows a lost connection
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  request(form.action);
});
stop.addEventListener("click", () => request(form.dataset.stop));

function receive({ feed, message }) {
  if (feed) show(feed);
  if (message) addLine(message);
}

function show({ running, waiting, by, since }) {
  card.hidden = !running;
  form.querySelector("button").disabled = running;
  stop.hidden = !running;
  if (!running) return [state, lines].forEach((part) => part.replaceChildren());
  error.hidden = true;
  card.classList.toggle("is-waiting", waiting);
  const values = { name: isolate(by), time: timeFormat.format(new Date(since)) };
  const text = waiting
    ? gettext("Live feed, started by {name} at {time} · starting…", values)
    : gettext("Live feed, started by {name} at {time}", values);
  showSentence(state, text);
}

function addLine(line) {
  const item = document.createElement("li");
  item.textContent = line;
  lines.prepend(item);
  if (lines.children.length > MAX_LINES) lines.lastElementChild.remove();
}

async function request(address) {
  try {
    const response = await postForm(address, form);
    const answer = await response.json();
    if (answer.error) return showError(answer.error);
    show(answer.feed);
  } catch (error) {
    showError({ detail: errorText(error, gettext("The server isn't responding.")) });
  }
}

function showError({ detail, retry_after: seconds }) {
  card.hidden = false;
  const values = { problem: detail, seconds: Math.ceil(seconds) };
  error.textContent = seconds
    ? gettext("That didn't work: {problem} Try again in {seconds} s.", values)
    : gettext("That didn't work: {problem}", values);
  error.hidden = false;
}
