/**
 * Fills from the archive what the feed has missed.
 *
 * The archive may be behind, or away: it is asked again until it has told all up to the moment at which the feed
 * went on. Requests are independent of the live connection, so they outlive its loss; what is missed meanwhile
 * extends the stretch that is asked for.
 */

import type { Ask } from "../server/archive.ts";
import type { Timing } from "../server/timing.ts";
import type { Miss } from "./feed.ts";
import { Patience } from "./retry.ts";
import type { State } from "./state.ts";

const PAGE_ROWS = 1000;
/** No pass over a stretch takes more requests than this: as many as the ids that the page remembers (Seen) fill. */
const PASS_REQUESTS = 300;
/** How far the page's idea of the server's clock may be off. */
const CLOCK_MARGIN_MS = 1000;
/**
 * After so many new trades, found or live, a stretch that is not filled is given up: fewer than the ids that the
 * page remembers for certain (Seen), so none is ever counted twice; and many more than it can show.
 */
const MOST_NEW = 150_000;

/** What may be missing. It is replaced, never changed, so that whoever works on it notices. */
interface Stretch {
  readonly miss: Miss;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export class Fill {
  readonly #timing: Timing;
  readonly #ask: Ask;
  readonly #state: State;
  readonly #changed: () => void;
  #patience: Patience;
  #stretch: Stretch | undefined;
  #countBefore = 0;
  /** The miss that the reader was told of last. */
  #admitted: Miss | undefined;

  constructor(timing: Timing, ask: Ask, state: State, changed: () => void) {
    this.#timing = timing;
    this.#ask = ask;
    this.#state = state;
    this.#changed = changed;
    this.#patience = new Patience(timing);
  }

  /** Fills a miss; where another is being filled, both together. */
  cover(miss: Miss): void {
    const untilMs = miss.until + CLOCK_MARGIN_MS;
    if (this.#stretch) {
      const { miss: before, sinceMs } = this.#stretch;
      this.#stretch = { miss: { since: before.since, until: miss.until, why: "several" }, sinceMs, untilMs };
      this.#patience.wake();
      return;
    }
    this.#stretch = { miss, sinceMs: this.#state.coverage.askFrom, untilMs };
    this.#countBefore = this.#state.count;
    this.#patience = new Patience(this.#timing);
    this.#state.filling = { found: 0 };
    this.#run();
  }

  /** Something changed for the better (network back, page looked at): don't sit out the delay. */
  retryNow(): void {
    this.#patience.wake();
  }

  async #run(): Promise<void> {
    while (this.#stretch) {
      const stretch = this.#stretch;
      // biome-ignore lint/performance/noAwaitInLoops: one pass after the other is the point
      const toldToMs = await this.#pass(stretch);
      // One that was extended meanwhile is asked for once more, from its new end.
      if (this.#stretch === stretch) {
        await this.#settle(stretch, toldToMs);
      }
    }
  }

  async #settle(stretch: Stretch, toldToMs: number | undefined): Promise<void> {
    if (toldToMs === undefined) {
      this.#state.miss(stretch.miss);
      this.#end();
    } else if (toldToMs >= stretch.untilMs) {
      this.#state.coverage.reached(stretch.untilMs);
      this.#end();
    } else {
      this.#stretch = { ...stretch, sinceMs: Math.max(stretch.sinceMs, toldToMs) };
      this.#admit(stretch.miss);
      await this.#patience.wait();
    }
  }

  /**
   * Asks for a stretch, page by page. Gives the moment up to which all of it has been told now: minus infinity
   * where the archive does not answer, undefined where there is more than we can take.
   */
  async #pass(stretch: Stretch): Promise<number | undefined> {
    const { sinceMs, untilMs } = stretch;
    let toldToMs = Number.POSITIVE_INFINITY;
    let cursor: string | undefined;
    try {
      for (let asked = 0; asked < PASS_REQUESTS && !this.#isTooMuch; asked += 1) {
        // biome-ignore lint/performance/noAwaitInLoops: each page says where the next one begins
        const page = await this.#ask({ sinceMs, untilMs, limit: PAGE_ROWS, cursor });
        // What is archived later than this may belong on a page that has been read already.
        toldToMs = Math.min(toldToMs, page.archivedUpToMs);
        this.#take(page.messages);
        if (page.next === undefined || this.#stretch !== stretch) {
          return toldToMs;
        }
        cursor = page.next;
      }
      return undefined;
    } catch (error) {
      console.warn("Tradewire: what was missed can't be had yet:", error);
      return Number.NEGATIVE_INFINITY;
    }
  }

  #take(messages: readonly unknown[]): void {
    const found = (this.#state.filling?.found ?? 0) + this.#state.fill(messages);
    this.#state.filling = { found };
    this.#changed();
  }

  get #isTooMuch(): boolean {
    return this.#state.count - this.#countBefore > MOST_NEW;
  }

  /** Tells the reader of a miss, once, when the archive takes too long. */
  #admit(miss: Miss): void {
    if (this.#patience.isOver && this.#admitted !== miss) {
      this.#admitted = miss;
      this.#state.late = miss;
      this.#changed();
    }
  }

  #end(): void {
    this.#stretch = undefined;
    this.#state.filling = undefined;
    this.#state.late = undefined;
    this.#changed();
  }
}
