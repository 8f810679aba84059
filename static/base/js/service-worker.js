/** Registration of the service worker, which shows pages without a network. Browsers offer it at secure origins only. */

navigator.serviceWorker?.register("/sw.js").catch(() => {}); // some browsers forbid it in private windows
