/** Wait for the page's stylesheets: WebKit runs module scripts before they have loaded, when no message has its place yet. */

/** Resolves when each stylesheet has loaded, or failed to. */
export async function stylesLoaded() {
  const links = /** @type {NodeListOf<HTMLLinkElement>} */ (document.querySelectorAll("link[rel=stylesheet]"));
  const loading = [...links].filter(({ sheet }) => !sheet);
  if (!loading.length || document.readyState === "complete") return;
  const pageLoaded = new Promise((resolve) => addEventListener("load", resolve, { once: true })); // some may have failed before
  await Promise.race([Promise.all(loading.map(settled)), pageLoaded]);
}

/** @param {HTMLLinkElement} link */
function settled(link) {
  return new Promise((resolve) => {
    link.addEventListener("load", resolve);
    link.addEventListener("error", resolve);
  });
}
