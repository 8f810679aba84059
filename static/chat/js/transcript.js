/** Page of a transcript: shows its progress. */

import { ConnectionState } from "../../base/js/connection-state.js";
import { ngettext, formatNumber } from "../../base/js/i18n.js";
import "../../base/js/time-zone.js";
import { ReconnectingSocket } from "../../base/js/reconnecting-socket.js";

const page = document.getElementById("transcript-status");
const progress = document.getElementById("progress");
const count = document.getElementById("count");

const state = new ConnectionState(document.getElementById("connection"));
new ReconnectingSocket({
  address: () => `/ws/export/${page.dataset.key}/`,
  isGreeting: () => true,
  onFrame: (events) => show(events.at(-1)),
  onState: (...now) => state.show(...now),
});

function show({ status, done, total }) {
  page.dataset.status = status;
  progress.value = done;
  count.textContent = ngettext("{done} of {count} message", "{done} of {count} messages", total, { done: formatNumber(done) });
}
