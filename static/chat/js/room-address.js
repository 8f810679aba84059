/** Addresses of rooms. */

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
