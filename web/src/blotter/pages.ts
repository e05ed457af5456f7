/**
 * The older trades below the live ones, loaded from the archive page by page as the user scrolls down.
 *
 * Only pages near the visible rows keep their trades. Of the others the cursor and the length are kept, so
 * that the list keeps its length and they can be loaded again.
 */

import type { Selection } from "../filters/selection.ts";
import type { MessagesPage, QueryArchive } from "../server/archive.ts";
import type { Timing } from "../server/timing.ts";
import { newestFirst, parseTradeEvent, type TradeEvent } from "../trade/event.ts";

/** Rows nearer than this to the visible ones are loaded in advance. */
export const PREFETCH_ROWS = 200;
const PAGE_ROWS = 200;
/** Rows farther away than this are evicted. */
const KEPT_ROWS = 2000;
/** Browsers limit the height of an element to roughly this many rows. */
const MAX_ROWS = 500_000;
/**
 * With rare matches the archive may return empty pages that are not the last. This pause limits the query
 * rate.
 */
const AFTER_EMPTY_MS = 200;
const AFTER_FAILURE_MS = 5000;

/** The end of the list: more may follow, is loading, failed to load, complete, or cut off at MAX_ROWS. */
export type EndStatus = "more" | "loading" | "failed" | "end" | "full";

interface CachedPage {
  readonly cursor: string | undefined;
  readonly length: number;
  readonly last: TradeEvent;
  readonly rows: readonly TradeEvent[] | undefined;
}

export interface Source {
  readonly queryArchive: QueryArchive;
  readonly timing: Timing;
  /** Called when a page has arrived, or failed to load. */
  readonly changed: () => void;
}

export class Pages {
  /** The trade above the first row; undefined if the first row is the newest trade. */
  readonly above: TradeEvent | undefined;
  /** The trade of the first row. */
  top: TradeEvent | undefined;
  length = 0;
  /** Trades received before this time are deleted, by the last answer. */
  keptSinceMs: number | undefined;
  readonly #source: Source;
  readonly #selection: () => Selection;
  #pages: readonly CachedPage[] = [];
  /** The cursor of the next page; undefined after the last one. */
  #next: { readonly cursor: string | undefined } | undefined = { cursor: undefined };
  #status: "idle" | "loading" | "failed" = "idle";

  constructor(source: Source, selection: () => Selection, above: TradeEvent | undefined) {
    this.#source = source;
    this.#selection = selection;
    this.above = above;
  }

  /** The trade of the last row. */
  get bottom(): TradeEvent | undefined {
    return this.#pages.at(-1)?.last;
  }

  get endStatus(): EndStatus {
    if (this.#status !== "idle") {
      return this.#status;
    }
    if (!this.#next) {
      return "end";
    }
    return this.length < MAX_ROWS ? "more" : "full";
  }

  /** The trades of these rows; undefined for evicted ones. */
  slice(first: number, last: number): readonly (TradeEvent | undefined)[] {
    const found: (TradeEvent | undefined)[] = [];
    let start = 0;
    for (const { length, rows } of this.#pages) {
      for (let row = Math.max(first, start); row < Math.min(last, start + length); row += 1) {
        found.push(rows?.[row - start]);
      }
      start += length;
    }
    return found;
  }

  /** Loads missing pages near the visible rows, and evicts distant ones. */
  setVisibleRange(first: number, last: number): void {
    this.#evict(first - KEPT_ROWS, last + KEPT_ROWS);
    if (this.#status === "idle") {
      const needed = this.#neededPage(first - PREFETCH_ROWS, last + PREFETCH_ROWS);
      if (needed !== undefined) {
        this.#load(needed);
      }
    }
  }

  /** Retries a failed page at once. */
  retry(): void {
    if (this.#status === "failed") {
      this.#status = "idle";
      this.#source.changed();
    }
  }

  #evict(first: number, last: number): void {
    let start = 0;
    const isFar = ({ length, rows }: CachedPage): boolean => {
      start += length;
      return rows !== undefined && (start <= first || start - length >= last);
    };
    const far = new Set(this.#pages.filter(isFar));
    if (far.size > 0) {
      this.#pages = this.#pages.map((page) => (far.has(page) ? { ...page, rows: undefined } : page));
    }
  }

  /** Returns the index of the page to load now. */
  #neededPage(first: number, last: number): number | undefined {
    let start = 0;
    for (const [index, { length, rows }] of this.#pages.entries()) {
      if (!rows && start < last && start + length > first) {
        return index;
      }
      start += length;
    }
    return this.endStatus === "more" && last > this.length ? this.#pages.length : undefined;
  }

  async #load(index: number): Promise<void> {
    this.#status = "loading";
    const { queryArchive, changed } = this.#source;
    const cached = this.#pages[index];
    const cursor = cached ? cached.cursor : this.#next?.cursor;
    // The archive filters by millisecond, so the answer may include newer trades: see #store.
    const belowMs = this.above && Math.floor(this.above.receivedMicros / 1000) + 1;
    const { filters, span } = this.#selection();
    try {
      const untilMs = belowMs ?? span.untilMs;
      const page = await queryArchive({ filters, sinceMs: span.sinceMs, untilMs, limit: PAGE_ROWS, cursor });
      this.#status = "idle";
      this.keptSinceMs = page.keptSinceMs;
      this.#store(index, cursor, page);
    } catch (error) {
      console.warn("Tradewire: can’t load trades:", error);
      this.#status = "failed";
      this.#source.timing.setTimer(() => this.retry(), AFTER_FAILURE_MS);
    }
    changed();
  }

  #store(index: number, cursor: string | undefined, { messages, next }: MessagesPage): void {
    const rows = messages
      .map(parseTradeEvent)
      .filter((trade) => trade !== undefined)
      .filter((trade) => !this.above || newestFirst(this.above, trade) < 0);
    const last = rows.at(-1);
    const cached = this.#pages[index];
    // If late trades were archived in between, the pages below begin elsewhere and are loaded again.
    const isUnchanged = cached !== undefined && cached.last.id === last?.id && cached.length === rows.length;
    const rest = isUnchanged ? this.#pages.slice(index + 1) : [];
    if (!isUnchanged) {
      this.#next = next === undefined ? undefined : { cursor: next };
    }
    const page = last ? [{ cursor, length: rows.length, last, rows }] : [];
    this.#pages = [...this.#pages.slice(0, index), ...page, ...rest];
    this.length = this.#pages.reduce((sum, { length }) => sum + length, 0);
    this.top ??= rows[0];
    if (messages.length === 0 && this.#next) {
      this.#status = "loading";
      this.#source.timing.setTimer(() => {
        this.#status = "idle";
        this.#source.changed();
      }, AFTER_EMPTY_MS);
    }
  }
}
