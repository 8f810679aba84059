/** Pages of the account: they have no connection of their own, and send the unsent messages of closed tabs. */

import { BackgroundSender } from "../outbox/background-sender.js";
import { watchUnsent } from "../outbox/outbox.js";

const you = JSON.parse(document.getElementById("you").textContent);
const background = new BackgroundSender(you);
watchUnsent(you, () => background.send());
background.send();
