/** A transcript's page: how far it is, as the server tells. */

import { ConnectionState } from "../../base/js/connection-state.js";
import { ngettext, numeral } from "../../base/js/i18n.js";
import { LastingSocket } from "../../base/js/lasting-socket.js";

const page = document.getElementById("export");
const progress = document.getElementById("progress");
const count = document.getElementById("count");

const state = new ConnectionState(document.getElementById("connection"));
new LastingSocket({
  address: () => `/ws/export/${page.dataset.key}/`,
  isGreeting: () => true,
  onFrame: (events) => show(events.at(-1)),
  onState: (...now) => state.show(...now),
});

function show({ status, done, total }) {
  page.dataset.status = status;
  progress.value = done;
  count.textContent = ngettext("{done} of {count} message", "{done} of {count} messages", total, { done: numeral(done) });
}
