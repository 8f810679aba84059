/** Entries of the room's menu that star the room, and leave it. (A link leads to the page that leaves a private one.) */

import { saveForm } from "../../base/js/form-post.js";
import { gettext } from "../../base/js/i18n.js";
import { MAX_STARRED } from "./sidebar/sidebar-menu.js";

/**
 * @param {HTMLElement} menu
 * @param {() => HTMLElement | undefined} findRow finds the room in the sidebar, if it is one of the person's
 */
export function connectRoomMenu(menu, findRow) {
  const [star, leave] = ["star", "leave"].map((name) => menu.querySelector(`.menu__${name}`));
  const status = menu.querySelector("[role=status]");
  const isStarred = () => Number(findRow()?.dataset.star) > 0;

  menu.addEventListener("beforetoggle", ({ newState }) => {
    if (newState !== "open") return;
    showProblem("");
    star.querySelector("span").textContent = isStarred() ? gettext("Remove star") : gettext("Star");
  });
  star.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { place } = star.elements;
    Object.assign(place, { value: String(MAX_STARRED), disabled: isStarred() });
    if (await isSaved(star)) menu.hidePopover(); // the sidebar learns it from the server
  });
  leave?.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await isSaved(leave)) location.assign("/chat/");
  });

  /** @param {HTMLFormElement} form */
  async function isSaved(form) {
    const problem = await saveForm(form.action, form);
    showProblem(problem);
    return !problem;
  }

  function showProblem(text) {
    status.textContent = text;
    status.hidden = !text;
  }
}
