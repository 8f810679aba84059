/** The room page: what stays while rooms change (the sidebar, the person, notifications), and the first room. */

import "../../base/js/cut-names.js";
import "../../base/js/dismissing-taps.js";
import "../../base/js/time-zone.js";
import { rememberAccount, rememberHeir } from "./account/account-registry.js";
import { rememberLeaving } from "./account/forgotten-guest.js";
import { DisplayName } from "./account/display-name.js";
import { reloadIfSuperseded } from "./account/superseded-guest.js";
import { firstPage, firstRoom } from "./bootstrap.js";
import { DesktopNotifications } from "./notifications/desktop-notifications.js";
import { NotificationOffer } from "./notifications/notification-offer.js";
import { BackgroundSender } from "./outbox/background-sender.js";
import { connectRoom } from "./room.js";
import { RoomNavigation } from "./room-navigation.js";
import { ShortcutsDialog } from "./shortcuts-dialog.js";
import { Sidebar } from "./sidebar/sidebar.js";
import { Catalogue } from "./text/emoji.js";
import { UnreadCounts } from "./unread/unread-counts.js";

const element = (id) => document.getElementById(id);
const { data } = firstRoom;
const { you } = data;

/** The parts that stay while rooms change. */
const shell = {
  background: new BackgroundSender(you.id),
  displayName: new DisplayName(element("display-name"), you),
  emoji: new Catalogue(data.emoji),
  offer: new NotificationOffer(element("notification-offer")),
  notifications: new DesktopNotifications(you.id, element("rooms")),
  unread: new UnreadCounts([element("rooms")], {
    onMention: () => shell.offer.show(),
    onUnlisted: () => sidebar.refresh(),
  }),
};

if (!you.guest) rememberAccount(you.id);
if (!data.is_copy) rememberLeaving(you.id, data.ends_with_browser);
if (data.former_guest) rememberHeir(data.former_guest, you.id);

function connect(room) {
  room.data.you = Object.assign(you, room.data.you);
  shell.background.here = room.data.key;
  return connectRoom(room, shell, room === firstRoom);
}

const navigation = new RoomNavigation(firstPage, firstRoom, connect, element("room-search-input"));
const open = (address, typed) => navigation.open(address, typed);
const sidebar = new Sidebar(element("sidebar"), element("rooms"), firstRoom.name, open);
navigation.onOpen = ({ name, address, data }, rooms) => {
  shell.displayName.setReturnAddress(address);
  shell.displayName.setName(data.you.name);
  shell.displayName.setGuest(data.you.guest);
  sidebar.opened(name, rooms);
  shell.unread.setTitle(navigation.title);
};
/** The service worker asks which room is open here, or wants one to be opened: see `openRoom` in sw.js. */
navigator.serviceWorker?.addEventListener("message", ({ data: { open }, ports: [port] }) => {
  port?.postMessage(navigation.address);
  if (open) navigation.open(open);
});
new ShortcutsDialog(element("shortcuts-dialog"), element("shortcuts-open"));

/** A guest's page without cookies, or a copy, is not reloaded: see room.js. */
const hasCookies = document.cookie !== "";
if (you.guest && hasCookies && !data.is_copy) reloadIfSuperseded(navigation.session);
