/** Status page: sends statuses, and lists the received ones, newest first. */

import { ConnectionState } from "../../base/js/connection-state.js";
import { ReconnectingSocket } from "../../base/js/reconnecting-socket.js";
import { LineForm } from "../../base/js/line-form.js";

const element = (id) => document.getElementById(id);
const clientId = JSON.parse(element("client-id").textContent);

const connection = new ConnectionState(element("connection"));
const socket = new ReconnectingSocket({
  address: () => `/ws/status/${clientId}/`,
  isGreeting: ({ listening }) => listening,
  onFrame: receive,
  onState: (state, code) => {
    connection.show(state, code);
    if (state === "open") line.flush();
  },
});
const line = new LineForm(element("line-form"), element("statuses"), (text) => socket.send(text));

function receive({ id, message, error }) {
  if (error) line.fail(error);
  else if (id) line.expect(id);
  else if (message !== undefined) line.receive(message);
}
