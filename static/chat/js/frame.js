/** Pages that are not rooms: the sidebar, the person and their unread counts, notifications, and unsent messages of closed tabs. */

import "../../base/js/cut-names.js";
import "../../base/js/dismissing-taps.js";
import { DisplayName } from "./account/display-name.js";
import { rememberLeaving } from "./account/forgotten-guest.js";
import { DesktopNotifications } from "./notifications/desktop-notifications.js";
import { BackgroundSender } from "./outbox/background-sender.js";
import { watchUnsent } from "./outbox/outbox.js";
import { ShortcutsDialog } from "./shortcuts-dialog.js";
import { Sidebar } from "./sidebar/sidebar.js";
import { UnreadCounts, followPerson } from "./unread/unread-counts.js";

const element = (id) => document.getElementById(id);

/** Dispatches "unread" when the unread count of a room changes, and "unlisted" when no list has a room with a count. */
export const changes = new EventTarget();

const sidebar = new Sidebar(element("sidebar"), element("rooms"), "");
changes.addEventListener("unlisted", () => sidebar.refresh());
new ShortcutsDialog(element("shortcuts-dialog"), element("shortcuts-open"));

const { you: person } = element("rooms").dataset;
if (person) connectPerson(Number(person));

/** @param {number} you the person's id */
function connectPerson(you) {
  const form = /** @type {HTMLFormElement} */ (element("display-name"));
  const name = form.querySelector(".display-name__text").textContent;
  new DisplayName(form, { id: you, name, guest: "guest" in form.dataset });
  rememberLeaving(you, "endsWithBrowser" in form.dataset);
  const notifications = new DesktopNotifications(you, element("rooms"));
  const lists = [element("rooms"), element("directory")].filter(Boolean); // the index has both
  const unread = new UnreadCounts(lists, {
    onChange: () => changes.dispatchEvent(new Event("unread")),
    onUnlisted: () => changes.dispatchEvent(new Event("unlisted")),
  });
  const background = new BackgroundSender(you);
  watchUnsent(you, () => notifications.isRefused || background.send());
  followPerson(you, unread, notifications, () => background.send());
}
