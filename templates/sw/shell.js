// Cache of the offline page: part of the service worker.

async function keepShell() {
  const cache = await caches.open(SHELL);
  await cache.addAll([page, ...assets].map((address) => new Request(address, { cache: "reload" })));
}

async function forgetShells() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(SHELL_PREFIX) && name !== SHELL);
  await Promise.all(old.map((name) => caches.delete(name)));
}

async function shell(address) {
  const cache = await caches.open(SHELL);
  return (await cache.match(address, { ignoreVary: true })) ?? Response.error();
}
