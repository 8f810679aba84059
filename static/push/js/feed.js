/** A room's live feed: a button starts it, a card shows its lines while it runs, for everybody in the room. */

import { clock } from "../../base/js/clock.js";
import { gettext } from "../../base/js/i18n.js";
import { isolated, write } from "../../base/js/isolated.js";
import { LastingSocket } from "../../base/js/lasting-socket.js";
import { post, reasonOf } from "../../base/js/post.js";

/** How many lines are shown. */
const MOST = 3;

const roomName = JSON.parse(document.getElementById("room-name").textContent);
const form = document.getElementById("feed-start");
const card = document.getElementById("feed");
const [state, stop, lines, error] = ["state", "stop", "lines", "error"].map((part) => card.querySelector(`.feed__${part}`));

new LastingSocket({
  address: () => `/ws/push/${encodeURIComponent(roomName)}/`,
  isGreeting: ({ feed }) => Boolean(feed),
  onFrame: receive,
  onState: () => {}, // the room's own socket tells of a lost connection
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  order(form.action);
});
stop.addEventListener("click", () => order(form.dataset.stop));

function receive({ feed, message }) {
  if (feed) show(feed);
  if (message) add(message);
}

function show({ running, waiting, by, since }) {
  card.hidden = !running;
  form.querySelector("button").disabled = running;
  stop.hidden = !running;
  if (!running) return [state, lines].forEach((part) => part.replaceChildren());
  error.hidden = true;
  card.classList.toggle("is-waiting", waiting);
  const values = { name: isolated(by), time: clock.format(new Date(since)) };
  const said = waiting
    ? gettext("Live feed by {name}, since {time}. It waits for a worker.", values)
    : gettext("Live feed by {name}, since {time}", values);
  write(state, said);
}

function add(line) {
  const item = document.createElement("li");
  item.textContent = line;
  lines.prepend(item);
  if (lines.children.length > MOST) lines.lastElementChild.remove();
}

async function order(address) {
  try {
    const response = await post(address, form);
    const answer = await response.json();
    if (answer.error) return refuse(answer.error);
    show(answer.feed);
  } catch (error) {
    refuse({ detail: reasonOf(error, gettext("the server does not answer")) });
  }
}

function refuse({ detail, retry_after: seconds }) {
  card.hidden = false;
  const values = { problem: detail, seconds: Math.ceil(seconds) };
  error.textContent = seconds
    ? gettext("Not done: {problem}. Try again in {seconds} s.", values)
    : gettext("Not done: {problem}.", values);
  error.hidden = false;
}
