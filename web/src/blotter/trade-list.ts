/**
 * All selected trades, newest first: live ones at the top, archived ones below.
 *
 * Live trades become visible at the next `refresh`. Until then the shown trades stay, and only older ones are
 * loaded below them. Each trade is listed once.
 */

import { isInSpan } from "../filters/range.ts";
import { type Selection, selects } from "../filters/selection.ts";
import { DedupSet } from "../trade/dedup-set.ts";
import { newestFirst, type TradeEvent } from "../trade/event.ts";
import { MAX_TRADES, mergeTrades } from "../trade/merge.ts";
import { type EndStatus, Pages, PREFETCH_ROWS, type Source } from "./pages.ts";

export class TradeList {
  /** How many matching trades arrived live, or were found after a gap. */
  matched = 0;
  /** Whether the archive has returned the latest earlier trades. Older pages are loaded only after that. */
  isBackfilled = false;
  readonly #source: Source;
  /** The selection at present: a relative range moves on. */
  readonly #selection: () => Selection;
  readonly #known = new DedupSet(2 * MAX_TRADES);
  #newest: readonly TradeEvent[] = [];
  #shown: readonly TradeEvent[] = [];
  #shownMatched = 0;
  #isRefreshed = false;
  #pages: Pages | undefined;
  /** A trade has arrived that belongs into an archive page loaded without it. */
  #isStale = false;
  /** All older trades are out of range, because one of them was when it left the list. */
  #isComplete = false;

  /** `trades` are those already known, newest first. */
  constructor(source: Source, selection: () => Selection, trades: readonly TradeEvent[]) {
    this.#source = source;
    this.#selection = selection;
    this.#add(this.#select(trades));
  }

  /** Adds live trades. */
  add(trades: readonly TradeEvent[]): void {
    const matching = this.#select(trades);
    this.matched += matching.length;
    this.#add(matching);
  }

  /**
   * Adds trades from before the page was connected.
   *
   * The first of them are shown at once, even during a pause: they belong below the shown trades.
   */
  backfill(trades: readonly TradeEvent[]): void {
    const added = this.#add(this.#select(trades));
    if (!this.isBackfilled) {
      this.#shown = mergeTrades(this.#shown, added);
    }
  }

  /** Shows the current trades. */
  refresh(): void {
    this.#dropExpired();
    this.#shown = this.#newest;
    this.#shownMatched = this.matched;
    this.#isRefreshed = true;
    // The archive pages continue from the last trade above them. If that is another one now, they are loaded
    // again.
    if (this.#isStale || this.#pages?.above !== this.#newest.at(-1)) {
      this.#pages = undefined;
      this.#isStale = false;
    }
  }

  /** Whether `refresh` was called. The first call is needed even during a pause. */
  get isRefreshed(): boolean {
    return this.#isRefreshed;
  }

  /** How many trades have arrived since the last refresh. */
  get pending(): number {
    return this.matched - this.#shownMatched;
  }

  get length(): number {
    return this.#shown.length + (this.#pages?.length ?? 0);
  }

  /** The trades of these rows; undefined for evicted ones. */
  slice(first: number, last: number): readonly (TradeEvent | undefined)[] {
    const above = this.#shown.length;
    const older = this.#pages?.slice(first - above, last - above) ?? [];
    return [...this.#shown.slice(first, last), ...older];
  }

  get keptSinceMs(): number | undefined {
    return this.#pages?.keptSinceMs;
  }

  get endStatus(): EndStatus {
    if (this.#isComplete) {
      return "end";
    }
    return this.#pages?.endStatus ?? (this.isBackfilled ? "more" : "loading");
  }

  /** Loads missing pages near the visible rows. */
  setVisibleRange(first: number, last: number): void {
    const above = this.#shown.length;
    if (this.isBackfilled && !this.#isComplete && last + PREFETCH_ROWS > above) {
      this.#pages ??= new Pages(this.#source, this.#selection, this.#shown.at(-1));
    }
    this.#pages?.setVisibleRange(first - above, last - above);
  }

  retry(): void {
    this.#pages?.retry();
  }

  #select(trades: readonly TradeEvent[]): readonly TradeEvent[] {
    const selection = this.#selection();
    return trades.filter((trade) => selects(selection, trade));
  }

  /** Drops the trades that a relative range has left behind. */
  #dropExpired(): void {
    const { span } = this.#selection();
    const isExpired = ({ receivedMicros }: TradeEvent): boolean => !isInSpan(span, receivedMicros / 1000);
    if (this.#pages?.bottom && isExpired(this.#pages.bottom)) {
      this.#pages = undefined;
    }
    const oldest = this.#newest.at(-1);
    if (oldest && isExpired(oldest)) {
      this.#newest = this.#newest.filter((trade) => !isExpired(trade));
      this.#pages = undefined;
      this.#isComplete = true;
    }
  }

  /** Returns the added trades. */
  #add(trades: readonly TradeEvent[]): readonly TradeEvent[] {
    const fresh = trades.filter(({ id }) => this.#known.add(id));
    const top = this.#pages?.top;
    const newer = top ? fresh.filter((trade) => newestFirst(trade, top) < 0) : fresh;
    if (newer.length < fresh.length) {
      // The loaded pages may lack this trade. If they have it after all, reloading them does no harm.
      this.#isStale = true;
    }
    if (newer.length > 0) {
      this.#isComplete &&= this.#newest.length + newer.length <= MAX_TRADES;
      this.#newest = mergeTrades(this.#newest, newer);
    }
    return newer;
  }
}
