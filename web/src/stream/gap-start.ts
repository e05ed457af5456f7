/**
 * From which moment on this page may lack trades, should the live server have gone on without it.
 *
 * Moments are `receivedAt`, in milliseconds by the server's clock: trades come in the order in which they were
 * received, if not always at once. So what was received before the newest that came has come, too; what was
 * received later may have gone by, even when it waited in the queue for long.
 */

/** Several processors may overtake each other, by so much. */
const DISORDER_MS = 5000;

export class Coverage {
  /** Trades from before this moment are history: they were there before the page was. */
  #first = Number.POSITIVE_INFINITY;
  #newest = Number.NEGATIVE_INFINITY;

  /** The page began to listen at this moment. */
  opened(atMs: number): void {
    if (this.#first === Number.POSITIVE_INFINITY) {
      this.#first = atMs;
    }
  }

  /** A trade that was received at this moment came, or all from before it are known. */
  reached(receivedMs: number): void {
    this.#first = Math.min(this.#first, receivedMs);
    this.#newest = Math.max(this.#newest, receivedMs);
  }

  /** Where to begin to ask. */
  get askFrom(): number {
    return Math.max(this.#first, this.#newest - DISORDER_MS);
  }
}
