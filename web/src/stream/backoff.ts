/**
 * How long to wait before the next try: "full jitter", anything from nothing up to a bound that doubles.
 *
 * Spread at random, the browsers of a server that comes back don't all arrive in the same instant.
 */

const BASE_MS = 250;
const CAP_MS = 10_000;

export class Backoff {
  #bound = BASE_MS;
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Milliseconds to wait now; the next bound is twice as high. */
  next(): number {
    const delay = this.#random() * this.#bound;
    this.#bound = Math.min(CAP_MS, this.#bound * 2);
    return delay;
  }

  reset(): void {
    this.#bound = BASE_MS;
  }
}
