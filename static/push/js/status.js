/** A status page: it sends on a click, and puts what comes on top. */

import { ConnectionState } from "../../base/js/connection-state.js";
import { LastingSocket } from "../../base/js/lasting-socket.js";
import { Line, prepend, showError } from "../../base/js/said.js";

const element = (id) => document.getElementById(id);
const clientId = JSON.parse(element("client-id").textContent);

const connection = new ConnectionState(element("connection"));
const socket = new LastingSocket({
  address: () => `/ws/status/${clientId}/`,
  isGreeting: ({ listening }) => listening,
  onFrame: receive,
  onState: (state, code) => {
    connection.show(state, code);
    if (state === "open") line.flush();
  },
});
const line = new Line(element("say"), (text) => socket.send(text));

function receive({ message, error }) {
  if (error) showError(error.detail);
  else if (message !== undefined) prepend(element("statuses"), message);
}
