/** A soft tick for what comes in: off unless asked for, and a few a second at most. */

import { byId } from "./dom.ts";
import { remember, remembered } from "./local-storage.ts";

const KEY = "sound";
const LEAST_BETWEEN_MS = 250;
const TICK_SECONDS = 0.03;
const LOUDNESS = 0.03;
const HERTZ = 1200;

export class Sound {
  readonly #switch = byId("sound", HTMLInputElement);
  #audio: AudioContext | undefined;
  #lastMs = 0;

  constructor() {
    this.#switch.checked = remembered(KEY) === "on";
    this.#switch.addEventListener("change", () => {
      remember(KEY, this.#switch.checked ? "on" : "off");
      this.#awake();
    });
    // Browsers let a page sound only once its reader has touched it.
    for (const touch of ["pointerdown", "keydown"]) {
      document.addEventListener(touch, () => this.#awake(), { once: true });
    }
  }

  tick(nowMs: number): void {
    if (!(this.#switch.checked && this.#audio) || nowMs - this.#lastMs < LEAST_BETWEEN_MS) {
      return;
    }
    this.#lastMs = nowMs;
    const { currentTime, destination } = this.#audio;
    const tone = new OscillatorNode(this.#audio, { frequency: HERTZ });
    const loudness = new GainNode(this.#audio, { gain: LOUDNESS });
    loudness.gain.exponentialRampToValueAtTime(LOUDNESS / 100, currentTime + TICK_SECONDS);
    tone.connect(loudness).connect(destination);
    tone.start();
    tone.stop(currentTime + TICK_SECONDS);
  }

  #awake(): void {
    if (this.#switch.checked) {
      this.#audio ??= new AudioContext();
      this.#audio.resume();
    }
  }
}
