/**
 * Loads the latest trades from before the page was connected, and repeats the query until none can be
 * missing.
 *
 * A trade received just before may have been shown only to other browsers, and may not be archived yet at the
 * first query.
 */

import type { Selection } from "../filters/selection.ts";
import type { QueryArchive } from "../server/archive.ts";
import type { Timing } from "../server/timing.ts";
import { Retry } from "./retry.ts";

const LIMIT = 200;

export interface HistoryListener {
  /** Gets the messages of each answer: the latest of the selection. */
  readonly received: (messages: readonly unknown[]) => void;
  /** Called when a query has failed. Another one follows. */
  readonly failed: () => void;
}

export class History {
  readonly #queryArchive: QueryArchive;
  readonly #selection: Selection;
  readonly #listener: HistoryListener;
  readonly #retry: Retry;
  /** When the feed became live, by the server's clock, in milliseconds since 1970. */
  #untilMs: number | undefined;
  #isStopped = false;

  constructor(timing: Timing, queryArchive: QueryArchive, selection: Selection, listener: HistoryListener) {
    this.#queryArchive = queryArchive;
    this.#selection = selection;
    this.#listener = listener;
    this.#retry = new Retry(timing);
  }

  async start(): Promise<void> {
    // biome-ignore lint/performance/noAwaitInLoops: attempts run one after another
    while (!(this.#isStopped || (await this.#isComplete()))) {
      await this.#retry.wait();
    }
  }

  /** Sets the end of the history: the feed delivers everything received after this time. */
  setEnd(untilMs: number): void {
    if (this.#untilMs === undefined) {
      this.#untilMs = untilMs;
      this.#retry.wake();
    }
  }

  /** Stops querying. An answer that is on its way is dropped. */
  stop(): void {
    this.#isStopped = true;
    this.#retry.wake();
  }

  async #isComplete(): Promise<boolean> {
    const { filters, span } = this.#selection;
    try {
      const page = await this.#queryArchive({
        filters,
        sinceMs: span.sinceMs,
        untilMs: this.#end ?? span.untilMs,
        limit: LIMIT,
      });
      if (!this.#isStopped) {
        this.#listener.received(page.messages);
      }
      return this.#end !== undefined && page.archivedUpToMs >= this.#end;
    } catch (error) {
      console.warn("Tradewire: can’t load the latest trades yet:", error);
      this.#listener.failed();
      return false;
    }
  }

  /** Undefined before the feed is live: the archive can't be complete up to an unknown time. */
  get #end(): number | undefined {
    return this.#untilMs && Math.min(this.#untilMs, this.#selection.span.untilMs ?? this.#untilMs);
  }
}
