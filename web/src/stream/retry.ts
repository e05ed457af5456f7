/** Waits between tries, at first a moment, then longer; and knows when that has gone on for too long. */

import type { Timing } from "../server/timing.ts";
import { Backoff } from "./backoff.ts";

/** Trouble that goes away within this time is not worth a reader's attention. */
const PATIENCE_MS = 120_000;
/** After that, tries are this far apart at most, and half as far at least. */
const SLOW_MS = 60_000;

export class Patience {
  readonly #timing: Timing;
  readonly #backoff: Backoff;
  readonly #startedAt: number;
  #wake: () => void = () => undefined;

  constructor(timing: Timing) {
    this.#timing = timing;
    this.#backoff = new Backoff(timing.random);
    this.#startedAt = timing.now();
  }

  get isOver(): boolean {
    return this.#timing.now() - this.#startedAt >= PATIENCE_MS;
  }

  /** Resolves when it is time for the next try. */
  async wait(): Promise<void> {
    const { random, setTimer, clearTimer } = this.#timing;
    const delayMs = this.isOver ? (SLOW_MS * (1 + random())) / 2 : this.#backoff.next();
    await new Promise<void>((resolve) => {
      const timer = setTimer(resolve, delayMs);
      this.#wake = () => {
        clearTimer(timer);
        resolve();
      };
    });
  }

  /** Something changed: whoever waits goes on at once. */
  wake(): void {
    this.#wake();
  }
}
