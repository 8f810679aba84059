/**
 * The service worker: when there is no network, a page says so. It keeps that page and what the page is made of,
 * at addresses that no other page asks for. All else comes from the server, so nothing that is shown is stale.
 */

const { version, page, assets } = {{ kept|safe }};

const PREFIX = "lobby-offline-";
const CACHE = PREFIX + version;

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(keep());
});

addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([forgetOthers(), registration.navigationPreload?.enable()]));
});

addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const address = url.slice(location.origin.length);
  if (mode === "navigate" && method === "GET") event.respondWith(navigate(event));
  else if (assets.includes(address)) event.respondWith(kept(address));
});

/** A notification brings a tab of its room to the front, or opens one. */
addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(visit(event.notification.data.address));
});

async function visit(address) {
  const tabs = await clients.matchAll({ type: "window" });
  const tab = tabs.find(({ url }) => new URL(url).pathname === address);
  await (tab ? tab.focus() : clients.openWindow(address));
}

async function keep() {
  const cache = await caches.open(CACHE);
  await cache.addAll([page, ...assets].map((address) => new Request(address, { cache: "reload" })));
}

async function forgetOthers() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

async function navigate({ preloadResponse, request }) {
  try {
    return (await preloadResponse) ?? (await fetch(request));
  } catch {
    return kept(page);
  }
}

async function kept(address) {
  const cache = await caches.open(CACHE);
  return (await cache.match(address, { ignoreVary: true })) ?? Response.error();
}
