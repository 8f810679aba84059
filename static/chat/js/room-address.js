/** Addresses of rooms. */

/** The path of a room's page, or of a message in it. */
const ROOM_PATH = /^\/chat\/[^/]+\/(?:\d+\/)?$/;

/** @param {string} href absolute @returns {boolean} whether it is the address of a room here, or of a message */
export function isRoomAddress(href) {
  if (!URL.canParse(href)) return false;
  const { origin, pathname, search, hash } = new URL(href);
  return origin === location.origin && ROOM_PATH.test(pathname) && !search && !hash;
}

/** @param {string} name of a room, as it is shown @returns {string} the path of its page */
export function roomAddress(name) {
  return `/chat/${encodeURIComponent(name)}/`;
}

/** The name of a room, as it stands in an address. @param {string} href */
export function nameIn(href) {
  const [, , name] = new URL(href, location.href).pathname.split("/");
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // invalid UTF-8
  }
}
