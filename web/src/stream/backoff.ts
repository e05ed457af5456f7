/**
 * The delay before the next attempt, with full jitter: random between zero and a bound that doubles each
 * time.
 *
 * The jitter keeps browsers from reconnecting all at once when a server comes back.
 */

const BASE_MS = 250;
const CAP_MS = 10_000;

export class Backoff {
  #bound = BASE_MS;
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Returns the delay in milliseconds, and doubles the bound. */
  next(): number {
    const delay = this.#random() * this.#bound;
    this.#bound = Math.min(CAP_MS, this.#bound * 2);
    return delay;
  }

  reset(): void {
    this.#bound = BASE_MS;
  }
}
