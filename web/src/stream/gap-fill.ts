/**
 * Fills gaps in the feed from the archive.
 *
 * The archive may be behind or unavailable, so it is queried until it is complete up to the end of the gap.
 * Requests continue if the feed breaks again. A further gap then extends the range.
 */

import type { QueryArchive } from "../server/archive.ts";
import type { Timing } from "../server/timing.ts";
import type { Gap } from "./feed.ts";
import { Retry } from "./retry.ts";
import type { State } from "./state.ts";

const PAGE_ROWS = 1000;
/** Most requests per pass over a range. They return as many trades as DedupSet remembers. */
const MAX_PASS_REQUESTS = 300;
/** Greatest error of the page's estimate of the server's clock. */
const CLOCK_MARGIN_MS = 1000;
/**
 * The shortest time between the end of a fill and the next one. While the server goes on giving up trades, it
 * announces a gap each second.
 */
const MIN_INTERVAL_MS = 10_000;
/** The server announces a gap to all pages at once. They spread their requests over this time. */
const SPREAD_MS = 2000;

/** The range to fill. Replaced, never changed in place, so a running pass can compare references. */
interface Range {
  readonly gap: Gap;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export class GapFill {
  /**
   * After this many new trades, found or live, the fill is given up. DedupSet remembers more ids than this, so
   * no trade is counted twice. The page shows far fewer trades.
   */
  maxNewTrades = 150_000;
  readonly #timing: Timing;
  readonly #queryArchive: QueryArchive;
  readonly #state: State;
  readonly #changed: () => void;
  #retry: Retry;
  #range: Range | undefined;
  #countBefore = 0;
  /** The gap that was last announced to the reader. */
  #lastAnnounced: Gap | undefined;
  #lastEndMs = Number.NEGATIVE_INFINITY;

  constructor(timing: Timing, queryArchive: QueryArchive, state: State, changed: () => void) {
    this.#timing = timing;
    this.#queryArchive = queryArchive;
    this.#state = state;
    this.#changed = changed;
    this.#retry = new Retry(timing);
  }

  /** Starts to fill a gap. If another gap is being filled, extends its range. */
  fill(gap: Gap): void {
    const untilMs = gap.until + CLOCK_MARGIN_MS;
    if (this.#range) {
      const { gap: before, sinceMs } = this.#range;
      this.#range = { gap: { since: before.since, until: gap.until, reason: "several" }, sinceMs, untilMs };
      if (gap.reason !== "skipped") {
        this.#retry.wake(); // the network is back
      }
      return;
    }
    this.#range = { gap, sinceMs: this.#state.gapStart.sinceMs, untilMs };
    this.#countBefore = this.#state.count;
    this.#retry = new Retry(this.#timing);
    this.#state.filling = { found: 0 };
    this.#run(gap.reason === "skipped" ? this.#timing.random() * SPREAD_MS : 0);
  }

  /** Retries at once. Call this when the network is back or the page is visible again. */
  retryNow(): void {
    this.#retry.wake();
  }

  async #run(spreadMs: number): Promise<void> {
    const delayMs = Math.max(spreadMs, this.#lastEndMs + MIN_INTERVAL_MS - this.#timing.now());
    if (delayMs > 0) {
      await this.#retry.sleep(delayMs);
    }
    while (this.#range) {
      const range = this.#range;
      // biome-ignore lint/performance/noAwaitInLoops: passes run one after another
      const completeToMs = await this.#pass(range);
      // If the range was extended meanwhile, the next pass covers it to its new end.
      if (this.#range === range) {
        await this.#afterPass(range, completeToMs);
      }
    }
  }

  async #afterPass(range: Range, completeToMs: number | undefined): Promise<void> {
    if (completeToMs === undefined) {
      this.#state.addGap(range.gap);
      this.#end();
    } else if (completeToMs >= range.untilMs) {
      this.#state.gapStart.advanceTo(range.untilMs);
      this.#end();
    } else {
      this.#range = { ...range, sinceMs: Math.max(range.sinceMs, completeToMs) };
      this.#announce(range.gap);
      await this.#retry.wait();
    }
  }

  /**
   * Reads a range page by page. Returns the time up to which the archive is complete. Minus infinity:
   * unknown, since the archive did not answer. Undefined: the range holds too many trades.
   */
  async #pass(range: Range): Promise<number | undefined> {
    const { sinceMs, untilMs } = range;
    let completeToMs = Number.POSITIVE_INFINITY;
    let cursor: string | undefined;
    try {
      for (let requests = 0; requests < MAX_PASS_REQUESTS && !this.#isOverLimit; requests += 1) {
        // biome-ignore lint/performance/noAwaitInLoops: each page has the cursor of the next one
        const page = await this.#queryArchive({ sinceMs, untilMs, limit: PAGE_ROWS, cursor });
        // The archive may still add trades that were received after this time to pages already read.
        completeToMs = Math.min(completeToMs, page.archivedUpToMs);
        this.#add(page.messages);
        if (page.next === undefined || this.#range !== range) {
          return completeToMs;
        }
        cursor = page.next;
      }
      return undefined;
    } catch (error) {
      console.warn("Tradewire: the archive can’t fill the gap yet:", error);
      return Number.NEGATIVE_INFINITY;
    }
  }

  #add(messages: readonly unknown[]): void {
    const found = (this.#state.filling?.found ?? 0) + this.#state.addMissed(messages);
    this.#state.filling = { found };
    this.#changed();
  }

  get #isOverLimit(): boolean {
    return this.#state.count - this.#countBefore > this.maxNewTrades;
  }

  /** Announces the gap to the reader once, if the archive takes too long. */
  #announce(gap: Gap): void {
    if (this.#retry.isSlow && this.#lastAnnounced !== gap) {
      this.#lastAnnounced = gap;
      this.#state.announcedGap = gap;
      this.#changed();
    }
  }

  #end(): void {
    this.#lastEndMs = this.#timing.now();
    this.#range = undefined;
    this.#state.filling = undefined;
    this.#state.announcedGap = undefined;
    this.#changed();
  }
}
