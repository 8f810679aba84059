// The files of the pages that are kept: part of the service worker.

function isFile(pathname) {
  return pathname.startsWith(statics) && HASHED.test(pathname);
}

async function file(request) {
  const files = await caches.open(FILES);
  return (await files.match(request.url, { ignoreVary: true })) ?? fetch(request);
}

/** @returns {Promise<boolean>} whether there were some that were not kept: it is another deployment's page */
async function keepFiles(text) {
  const files = await caches.open(FILES);
  const before = (await files.keys()).length;
  await filesOf(text, async (address) => {
    if (!(await files.match(address, { ignoreVary: true }))) await files.add(address);
    return keptFile(address);
  });
  return (await files.keys()).length > before;
}

/** Let go of files that no kept page names any more. */
async function sweep() {
  const [rooms, files] = await Promise.all([caches.open(ROOMS), caches.open(FILES)]);
  const named = new Set();
  for (const page of await keptPages()) {
    const text = await (await rooms.match(page)).text();
    await filesOf(text, keptFile, named).catch(() => {});
  }
  for (const request of await files.keys()) {
    if (!named.has(new URL(request.url).pathname)) await files.delete(request);
  }
}

async function isWhole(text) {
  return filesOf(text, keptFile).then(
    () => true,
    () => false,
  );
}

async function keptFile(address) {
  const files = await caches.open(FILES);
  const kept = await files.match(address, { ignoreVary: true });
  if (!kept) throw new Error(`${address} is not kept`);
  return kept;
}

/**
 * Find all files that a page names, and that these name. Raises an error when one cannot be had, or may change.
 * @param {string} text a page
 * @param {(address: string) => Promise<Response>} get
 * @param {Set<string>} [found] the addresses that are known, to which these are added
 */
async function filesOf(text, get, found = new Set()) {
  await collect(filesNamedIn(text), location.pathname, get, found);
}

/** The tags of a page that name files, and nothing that anybody has written. */
function filesNamedIn(text) {
  return (text.match(/<(?:link|script|img)\b[^>]*>/g) ?? []).join("");
}

async function collect(text, base, get, found) {
  const addresses = [...text.matchAll(NAMED)].map(([, name]) => new URL(name, location.origin + base).pathname);
  const fresh = addresses.filter((address) => !found.has(address) && found.add(address));
  await Promise.all(
    fresh.map(async (address) => {
      if (!isFile(address)) throw new Error(`${address} may change`);
      const response = await get(address);
      if (/\.(?:js|css)$/.test(address)) await collect(await response.text(), address, get, found);
    }),
  );
}
