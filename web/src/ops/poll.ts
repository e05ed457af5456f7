/** Asks again and again for as long as someone looks, never twice at a time. */

import type { Timer, Timing } from "../server/timing.ts";

const EVERY_MS = 3000;

export class Poll {
  readonly #timing: Timing;
  readonly #ask: () => Promise<void>;
  #timer: Timer | undefined;
  #isWatched = false;
  #isAsking = false;

  constructor(timing: Timing, ask: () => Promise<void>) {
    this.#timing = timing;
    this.#ask = ask;
  }

  /** Whether someone looks from now on; who begins to look is told at once. */
  watch(isWatched: boolean): void {
    if (isWatched === this.#isWatched) {
      return;
    }
    this.#isWatched = isWatched;
    if (isWatched) {
      this.#round();
    } else if (this.#timer !== undefined) {
      this.#timing.clearTimer(this.#timer);
      this.#timer = undefined;
    }
  }

  async #round(): Promise<void> {
    if (this.#isAsking) {
      return;
    }
    this.#isAsking = true;
    await this.#ask();
    this.#isAsking = false;
    if (this.#isWatched) {
      this.#timer = this.#timing.setTimer(() => {
        this.#timer = undefined;
        this.#round();
      }, EVERY_MS);
    }
  }
}
