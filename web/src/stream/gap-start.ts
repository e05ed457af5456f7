/**
 * Tracks the time from which the page lacks trades if the live server goes on without it.
 *
 * Times are `receivedAt`, in milliseconds by the server's clock. Trades arrive roughly in the order in which
 * they were received. Everything received before the newest arrival has therefore arrived too; anything
 * received later may be missing, even if it waited in the queue for long.
 */

/** How far several processors may get out of order. */
const DISORDER_MS = 5000;

export class GapStart {
  /** Trades from before this time are history, and not part of a gap. */
  #earliest = Number.POSITIVE_INFINITY;
  #newest = Number.NEGATIVE_INFINITY;

  /** The page started to listen at this time. */
  connected(atMs: number): void {
    if (this.#earliest === Number.POSITIVE_INFINITY) {
      this.#earliest = atMs;
    }
  }

  /** A trade received at this time arrived, or everything before this time is known. */
  advanceTo(receivedMs: number): void {
    this.#earliest = Math.min(this.#earliest, receivedMs);
    this.#newest = Math.max(this.#newest, receivedMs);
  }

  /** The start of the range to query. */
  get sinceMs(): number {
    return Math.max(this.#earliest, this.#newest - DISORDER_MS);
  }
}
