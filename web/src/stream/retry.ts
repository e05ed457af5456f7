/** Waits between attempts, with backoff, and slows down if they go on failing. */

import type { Timing } from "../server/timing.ts";
import { Backoff } from "./backoff.ts";

/** The reader need not know of problems shorter than this. */
const SLOW_AFTER_MS = 120_000;
/** After that, attempts are at most this far apart, and at least half as far. */
const SLOW_EVERY_MS = 60_000;

export class Retry {
  readonly #timing: Timing;
  readonly #backoff: Backoff;
  readonly #startedAt: number;
  #wake: () => void = () => undefined;

  constructor(timing: Timing) {
    this.#timing = timing;
    this.#backoff = new Backoff(timing.random);
    this.#startedAt = timing.now();
  }

  get isSlow(): boolean {
    return this.#timing.now() - this.#startedAt >= SLOW_AFTER_MS;
  }

  /** Resolves when it is time for the next attempt. */
  async wait(): Promise<void> {
    const { random } = this.#timing;
    await this.sleep(this.isSlow ? (SLOW_EVERY_MS * (1 + random())) / 2 : this.#backoff.next());
  }

  /** Resolves after a time, or when `wake` is called. */
  async sleep(delayMs: number): Promise<void> {
    const { setTimer, clearTimer } = this.#timing;
    await new Promise<void>((resolve) => {
      const timer = setTimer(resolve, delayMs);
      this.#wake = () => {
        clearTimer(timer);
        resolve();
      };
    });
  }

  /** Ends the current wait at once. */
  wake(): void {
    this.#wake();
  }
}
