// Cache of the files of cached pages: part of the service worker.

function isFile(pathname) {
  return pathname.startsWith(statics) && HASHED.test(pathname);
}

async function file(request) {
  const files = await caches.open(FILES);
  return (await files.match(request.url, { ignoreVary: true })) ?? fetch(request);
}

/** Cache all files of a page. @returns {Promise<boolean>} whether some were not cached before, as after a deployment */
async function keepFiles(text) {
  const files = await caches.open(FILES);
  const before = (await files.keys()).length;
  await filesOf(text, async (address) => {
    if (!(await files.match(address, { ignoreVary: true }))) await files.add(address);
    return cachedFile(address);
  });
  return (await files.keys()).length > before;
}

/** Delete files that no cached page references any more. */
async function deleteUnusedFiles() {
  const [rooms, files] = await Promise.all([caches.open(ROOMS), caches.open(FILES)]);
  const used = new Set();
  for (const page of await cachedRooms()) {
    const text = await (await rooms.match(page)).text();
    const error = await filesOf(text, cachedFile, used).catch((reason) => reason);
    if (error && !(error instanceof MissingFile)) return; // it may reference any of them
  }
  for (const request of await files.keys()) {
    if (!used.has(new URL(request.url).pathname)) await files.delete(request);
  }
}

/** A page references a file that is not cached. */
class MissingFile extends Error {}

/** Whether all files of a page are cached. Throws an error if the browser cannot tell now. */
async function isComplete(text) {
  try {
    await filesOf(text, cachedFile);
    return true;
  } catch (error) {
    if (error instanceof MissingFile) return false;
    throw error;
  }
}

async function cachedFile(address) {
  const files = await caches.open(FILES);
  const cached = await files.match(address, { ignoreVary: true });
  if (!cached) throw new MissingFile(address);
  return cached;
}

/**
 * Find all files that a page references, directly or through other files. Throws an error if a file is missing, or has no
 * hash in its name.
 * @param {string} text a page
 * @param {(address: string) => Promise<Response>} get
 * @param {Set<string>} [found] known addresses, to which the found ones are added
 */
async function filesOf(text, get, found = new Set()) {
  await collect(fileTags(text), location.pathname, get, found);
}

/** The page's tags that reference files. People's texts are left out, so that they cannot name files. */
function fileTags(text) {
  return (text.match(/<(?:link|script|img)\b[^>]*>/g) ?? []).join("");
}

async function collect(text, base, get, found) {
  const addresses = [...text.matchAll(REFERENCE)].map(([, name]) => new URL(name, location.origin + base).pathname);
  const fresh = addresses.filter((address) => !found.has(address) && found.add(address));
  await Promise.all(
    fresh.map(async (address) => {
      if (!isFile(address)) throw new MissingFile(`${address} has no hash`);
      const response = await get(address);
      if (/\.(?:js|css)$/.test(address)) await collect(await response.text(), address, get, found);
    }),
  );
}
