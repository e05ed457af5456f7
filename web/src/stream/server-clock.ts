/**
 * Estimates the server's clock in a browser whose own clock may be wrong.
 *
 * The server writes its time into the hello, at some point between our request and its arrival. If our own
 * clock agrees with that window, it is trusted. Otherwise the window's middle is used.
 */
export class ServerClock {
  #aheadMs = 0;

  /**
   * Updates the estimate from a hello. All times are in milliseconds since 1970, the last two by the
   * browser's clock.
   */
  adjust(serverMs: number, requestedMs: number, answeredMs: number): void {
    const min = serverMs - answeredMs;
    const max = serverMs - requestedMs;
    const agrees = min <= 0 && max >= 0;
    this.#aheadMs = agrees ? 0 : (min + max) / 2;
  }

  /** Converts a time of the browser's clock to the server's clock. */
  at(browserMs: number): number {
    return browserMs + this.#aheadMs;
  }
}
