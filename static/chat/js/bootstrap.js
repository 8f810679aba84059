/** Bootstrap of a room's page: shows the messages before the scripts for the rest of the page have loaded. */

import { OpenRoom } from "./open-room.js";
import { readRoomPage } from "./room-page.js";
import { stylesLoaded } from "./styles-loaded.js";
import { findPlace } from "./timeline/kept-place.js";

export const firstPage = readRoomPage(document);

document.getElementById("chat-message-input").focus(); // autofocus takes effect too late for people who type at once

const [navigation] = performance.getEntriesByType("navigation");
const isReturn = ["reload", "back_forward"].includes(navigation?.type);
const { data } = firstPage;
const place = isReturn ? await findPlace(data, location.pathname) : null;
await stylesLoaded();
export const firstRoom = new OpenRoom(data, place);
