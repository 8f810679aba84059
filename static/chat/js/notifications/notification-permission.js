/** The browser's permission to show notifications. */

import { gettext } from "../../../base/js/i18n.js";

const TEXTS = {
  default: gettext("Not turned on in this browser yet."),
  denied: gettext("Notifications are blocked. Allow them in your browser's site settings, beside the address."),
  none: gettext("This browser can't show notifications here."),
};

/** @returns {"granted" | "denied" | "default" | "none"} */
export function permission() {
  return "Notification" in window && navigator.serviceWorker ? Notification.permission : "none";
}

/** Ask the person, unless they have answered. Browsers allow it only after a click or a key press. */
export async function requestPermission() {
  if (permission() === "default") await Notification.requestPermission();
}

/** @returns {string} why there are no notifications, or an empty string */
export function permissionText() {
  return TEXTS[permission()] ?? "";
}

/**
 * Observe the permission, which can be changed in the browser's settings.
 * @param {() => void} changed
 * @param {AbortSignal} signal ends these calls
 */
export async function watchPermission(changed, signal) {
  const status = await navigator.permissions?.query({ name: "notifications" }).catch(() => null);
  status?.addEventListener("change", changed, { signal });
}
