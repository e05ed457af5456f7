/**
 * The trades from before the page was opened: the last of them, at once, and again until none can be missing.
 *
 * A trade that was received just before the page began to listen may have been shown to others only, and may not
 * be archived yet when we first ask.
 */

import type { Ask } from "./archive.ts";
import { Patience } from "./patience.ts";
import type { State } from "./state.ts";
import type { Timing } from "./timing.ts";

const LAST = 200;

export class History {
  readonly #ask: Ask;
  readonly #state: State;
  readonly #changed: () => void;
  readonly #patience: Patience;
  /** When the page began to listen, by the server's clock, in milliseconds since 1970. */
  #untilMs: number | undefined;

  constructor(timing: Timing, ask: Ask, state: State, changed: () => void) {
    this.#ask = ask;
    this.#state = state;
    this.#changed = changed;
    this.#patience = new Patience(timing);
  }

  async start(): Promise<void> {
    // biome-ignore lint/performance/noAwaitInLoops: one try after the other is the point
    while (!(await this.#isComplete())) {
      await this.#patience.wait();
    }
  }

  /** The page listens since this moment of the server's clock: what comes later is the feed's. */
  endsAt(untilMs: number): void {
    if (this.#untilMs === undefined) {
      this.#untilMs = untilMs;
      this.#patience.wake();
    }
  }

  async #isComplete(): Promise<boolean> {
    try {
      const page = await this.#ask({ untilMs: this.#untilMs, limit: LAST });
      this.#state.recall(page.messages);
      this.#changed();
      return this.#untilMs !== undefined && page.archivedUpToMs >= this.#untilMs;
    } catch (error) {
      console.warn("Tradewire: the last trades can't be had yet:", error);
      return false;
    }
  }
}
