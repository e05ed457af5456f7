/**
 * The server's time, told by a browser whose own clock may be off.
 *
 * The server wrote its time into `hello` somewhere between our call and its answer. When our own clock lies in
 * that window, it is right as far as anyone can tell, and we trust it; otherwise we take the window's middle.
 */
export class ServerClock {
  #aheadMs = 0;

  /** Learn from a hello: all three in milliseconds since 1970, the latter two by the browser's clock. */
  learn(serverMs: number, calledMs: number, answeredMs: number): void {
    const least = serverMs - answeredMs;
    const most = serverMs - calledMs;
    const agrees = least <= 0 && most >= 0;
    this.#aheadMs = agrees ? 0 : (least + most) / 2;
  }

  /** The server's time at a moment of the browser's clock. */
  at(browserMs: number): number {
    return browserMs + this.#aheadMs;
  }
}
