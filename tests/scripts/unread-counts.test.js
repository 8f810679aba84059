import { equal, test } from "./harness.js"; // first: in Node.js it provides what the modules need
import { formatBadge } from "../../static/chat/js/unread/unread-counts.js";

test("a badge ends at 99+", () => {
  equal([0, 1, 99, 100, 1000].map(formatBadge), ["0", "1", "99", "99+", "99+"]);
});
