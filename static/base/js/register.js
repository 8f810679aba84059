/** Have a page at hand for when there is no network. Service workers need a secure origin; elsewhere there are none. */

navigator.serviceWorker?.register("/sw.js").catch(() => {}); // some browsers forbid them in private windows
