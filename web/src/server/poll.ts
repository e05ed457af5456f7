/** Repeats a request while active, one at a time. */

import type { Timer, Timing } from "./timing.ts";

const EVERY_MS = 3000;

export class Poll {
  readonly #timing: Timing;
  readonly #request: () => Promise<void>;
  #timer: Timer | undefined;
  #isActive = false;
  #isPending = false;

  constructor(timing: Timing, request: () => Promise<void>) {
    this.#timing = timing;
    this.#request = request;
  }

  /** Starts or stops polling. Starting sends a request at once. */
  setActive(isActive: boolean): void {
    if (isActive === this.#isActive) {
      return;
    }
    this.#isActive = isActive;
    if (isActive) {
      this.#poll();
    } else if (this.#timer !== undefined) {
      this.#timing.clearTimer(this.#timer);
      this.#timer = undefined;
    }
  }

  async #poll(): Promise<void> {
    if (this.#isPending) {
      return;
    }
    this.#isPending = true;
    await this.#request();
    this.#isPending = false;
    if (this.#isActive) {
      this.#timer = this.#timing.setTimer(() => {
        this.#timer = undefined;
        this.#poll();
      }, EVERY_MS);
    }
  }
}
