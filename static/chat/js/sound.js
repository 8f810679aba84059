/** A short, soft sound, if the person wants one. */

import { withStorage } from "./storage.js";

const KEY = "lobby.sound";

/** Two notes of a bell: their pitch (hertz), when they begin and for how long they ring (seconds). */
const NOTES = [
  { pitch: 880, at: 0, lasts: 0.5 },
  { pitch: 1318.5, at: 0.09, lasts: 0.7 },
];
const LOUDNESS = 0.08;

/** @returns {boolean} */
export function isLoud() {
  return withStorage((storage) => storage.getItem(KEY)) === "on";
}

/** @param {boolean} loud */
export function setLoud(loud) {
  withStorage((storage) => (loud ? storage.setItem(KEY, "on") : storage.removeItem(KEY)));
  if (loud) ring();
}

/** Ring, where the browser lets a page make a sound: somebody has clicked or typed in it. */
export function ring() {
  const context = new AudioContext();
  for (const note of NOTES) play(context, note);
  setTimeout(() => context.close(), 2000);
}

function play(context, { pitch, at, lasts }) {
  const begin = context.currentTime + at;
  const gain = new GainNode(context, { gain: LOUDNESS });
  gain.gain.exponentialRampToValueAtTime(0.0001, begin + lasts);
  const tone = new OscillatorNode(context, { frequency: pitch });
  tone.connect(gain).connect(context.destination);
  tone.start(begin);
  tone.stop(begin + lasts);
}
