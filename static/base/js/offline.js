/** The page that is shown without a network: it looks whether there is one again, and loads what was asked for. */

/** How long to wait before looking again: anything up to this, doubled each time; and for an answer (milliseconds). */
const FIRST_DELAY = 2000;
const LONGEST_DELAY = 15_000;
const PATIENCE = 5000;

const state = document.getElementById("state");
let failures = 0;
let timer = 0;

document.getElementById("again").addEventListener("click", async () => {
  state.textContent = state.dataset.trying;
  if (!(await look())) state.textContent = state.dataset.waiting;
});
addEventListener("online", look);
document.addEventListener("visibilitychange", () => document.hidden || look());
lookLater();

/** @returns {Promise<boolean>} whether the server answers; then the page goes on */
async function look() {
  clearTimeout(timer);
  const answers = await isBack();
  if (answers) goOn();
  else lookLater();
  return answers;
}

function lookLater() {
  clearTimeout(timer);
  timer = setTimeout(look, Math.random() * Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** failures++));
}

async function isBack() {
  try {
    const { ok } = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    return ok;
  } catch {
    return false;
  }
}

function goOn() {
  if (location.pathname === "/offline/") location.replace("/");
  else location.reload();
}
