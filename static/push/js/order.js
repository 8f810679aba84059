/** An order's page: whether it is paid, and what others say who have it open. */

import { ConnectionState } from "../../base/js/connection-state.js";
import { gettext } from "../../base/js/i18n.js";
import { LastingSocket } from "../../base/js/lasting-socket.js";
import { Line, prepend, showError } from "../../base/js/said.js";

const element = (id) => document.getElementById(id);
const { biz } = JSON.parse(element("order").textContent);

const connection = new ConnectionState(element("connection"));
const socket = new LastingSocket({
  address: () => `/ws/order/${biz}/`,
  isGreeting: ({ biz }) => Boolean(biz),
  onFrame: receive,
  onState: (state, code) => {
    connection.show(state, code);
    if (state === "open") line.flush();
  },
});
const line = new Line(element("say"), (text) => socket.send(text));

function receive(said) {
  if (typeof said === "string") prepend(element("notes"), said);
  else if (said.error) showError(said.error.detail);
  else if (said.paid) showPaid();
}

function showPaid() {
  const state = element("state");
  state.className = "state state--paid";
  state.textContent = gettext("Paid");
}
