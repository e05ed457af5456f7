/**
 * The trades from before one began to listen: the last of them, at once, and again until none can be missing.
 *
 * A trade that was received just before may have been shown to others only, and may not be archived yet when we
 * first ask.
 */

import type { Filters } from "../filters/filters.ts";
import type { Ask } from "../server/archive.ts";
import type { Timing } from "../server/timing.ts";
import { Patience } from "./retry.ts";

const LAST = 200;

export class History {
  readonly #ask: Ask;
  readonly #filters: Filters;
  readonly #take: (messages: readonly unknown[]) => void;
  readonly #patience: Patience;
  /** When one began to listen, by the server's clock, in milliseconds since 1970. */
  #untilMs: number | undefined;
  #isOver = false;

  /** `take` is given each answer's messages: the last ones that the filters let through. */
  constructor(timing: Timing, ask: Ask, filters: Filters, take: (messages: readonly unknown[]) => void) {
    this.#ask = ask;
    this.#filters = filters;
    this.#take = take;
    this.#patience = new Patience(timing);
  }

  async start(): Promise<void> {
    // biome-ignore lint/performance/noAwaitInLoops: one try after the other is the point
    while (!(this.#isOver || (await this.#isComplete()))) {
      await this.#patience.wait();
    }
  }

  /** All that comes since this moment of the server's clock is heard of: what comes later is the feed's. */
  endsAt(untilMs: number): void {
    if (this.#untilMs === undefined) {
      this.#untilMs = untilMs;
      this.#patience.wake();
    }
  }

  /** Nobody wants to know any more. */
  stop(): void {
    this.#isOver = true;
    this.#patience.wake();
  }

  async #isComplete(): Promise<boolean> {
    try {
      const page = await this.#ask({ filters: this.#filters, untilMs: this.#untilMs, limit: LAST });
      if (!this.#isOver) {
        this.#take(page.messages);
      }
      return this.#untilMs !== undefined && page.archivedUpToMs >= this.#untilMs;
    } catch (error) {
      console.warn("Tradewire: the last trades can't be had yet:", error);
      return false;
    }
  }
}
