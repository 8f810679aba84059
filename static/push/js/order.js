/** Order page: its payment state, and notes between all who have the page open. */

import { ConnectionState } from "../../base/js/connection-state.js";
import { gettext } from "../../base/js/i18n.js";
import { ReconnectingSocket } from "../../base/js/reconnecting-socket.js";
import { LineForm } from "../../base/js/line-form.js";

const element = (id) => document.getElementById(id);
const { biz } = JSON.parse(element("order").textContent);

const connection = new ConnectionState(element("connection"));
const socket = new ReconnectingSocket({
  address: () => `/ws/order/${biz}/`,
  isGreeting: ({ biz }) => Boolean(biz),
  onFrame: receive,
  onState: (state, code) => {
    connection.show(state, code);
    if (state === "open") line.flush();
  },
});
const line = new LineForm(element("line-form"), element("notes"), (text) => socket.send(text));

function receive(frame) {
  if (typeof frame === "string") line.receive(frame);
  else if (frame.id) line.expect(frame.id);
  else if (frame.error) line.fail(frame.error);
  else if (frame.paid) showPaid();
}

function showPaid() {
  const state = element("state");
  state.className = "state state--paid";
  state.textContent = gettext("Paid");
}
