/** Notification sound: a short bell, and the setting that turns it on. */

import { withStorage } from "../../../base/js/storage.js";

const KEY = "lobby.sound";

/** Two notes of a bell: pitch (hertz), start and length (seconds). */
const NOTES = [
  { pitch: 880, at: 0, lasts: 0.5 },
  { pitch: 1318.5, at: 0.09, lasts: 0.7 },
];
const VOLUME = 0.08;

/** @returns {boolean} */
export function isSoundOn() {
  return withStorage((storage) => storage.getItem(KEY)) === "on";
}

/** @param {boolean} isOn */
export function setSoundOn(isOn) {
  withStorage((storage) => (isOn ? storage.setItem(KEY, "on") : storage.removeItem(KEY)));
  if (isOn) playSound();
}

/** Play the sound. Browsers allow it only after a click or a key press in the page. */
export function playSound() {
  const context = new AudioContext();
  for (const note of NOTES) play(context, note);
  setTimeout(() => context.close(), 2000);
}

function play(context, { pitch, at, lasts }) {
  const begin = context.currentTime + at;
  const gain = new GainNode(context, { gain: VOLUME });
  gain.gain.exponentialRampToValueAtTime(0.0001, begin + lasts);
  const tone = new OscillatorNode(context, { frequency: pitch });
  tone.connect(gain).connect(context.destination);
  tone.start(begin);
  tone.stop(begin + lasts);
}
