/** How times of day are written, in the language of the page. */

import { language } from "./i18n.js";

export const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
