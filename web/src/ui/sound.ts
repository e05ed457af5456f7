/** A soft tick for new trades. Off by default, at most four a second. */

import { byId } from "./dom.ts";
import { loadSetting, saveSetting } from "./local-storage.ts";

const KEY = "sound";
const MIN_INTERVAL_MS = 250;
const TICK_SECONDS = 0.03;
const GAIN = 0.03;
const HERTZ = 1200;

export class Sound {
  readonly #checkbox = byId("sound", HTMLInputElement);
  #audio: AudioContext | undefined;
  #lastMs = 0;

  constructor() {
    this.#checkbox.checked = loadSetting(KEY) === "on";
    this.#checkbox.addEventListener("change", () => {
      saveSetting(KEY, this.#checkbox.checked ? "on" : "off");
      this.#resume();
    });
    // Browsers allow sound only after the user has interacted with the page.
    for (const gesture of ["pointerdown", "keydown"]) {
      document.addEventListener(gesture, () => this.#resume(), { once: true });
    }
  }

  tick(nowMs: number): void {
    if (!(this.#checkbox.checked && this.#audio) || nowMs - this.#lastMs < MIN_INTERVAL_MS) {
      return;
    }
    this.#lastMs = nowMs;
    const { currentTime, destination } = this.#audio;
    const tone = new OscillatorNode(this.#audio, { frequency: HERTZ });
    const volume = new GainNode(this.#audio, { gain: GAIN });
    volume.gain.exponentialRampToValueAtTime(GAIN / 100, currentTime + TICK_SECONDS);
    tone.connect(volume).connect(destination);
    tone.start();
    tone.stop(currentTime + TICK_SECONDS);
  }

  #resume(): void {
    if (this.#checkbox.checked) {
      this.#audio ??= new AudioContext();
      this.#audio.resume();
    }
  }
}
