/**
 * The selected trades in another order than newest first, sorted by the archive over all of the range.
 *
 * The list has the trades received before one moment, up to which the archive was complete when the list was
 * begun. Later ones are counted: each may belong between any two rows, and would move those that are being
 * read.
 */

import type { Order } from "../filters/order.ts";
import { isEmptySpan, type Span } from "../filters/range.ts";
import { type Selection, selects } from "../filters/selection.ts";
import type { MessagesPage, MessagesQuery } from "../server/archive.ts";
import type { Basis } from "../server/stats.ts";
import type { TradeEvent } from "../trade/event.ts";
import { type EndStatus, Pages, type Source } from "./pages.ts";

export class SortedTrades {
  readonly order: Order;
  readonly #source: Source;
  readonly #selection: Selection;
  readonly #known: () => readonly TradeEvent[];
  readonly #pages: Pages;
  /** The list has the trades received before this time, in milliseconds since 1970. Undefined until it is known. */
  #asOfMs: number | undefined;
  #basis: Basis | undefined;
  #pending = 0;

  /** `known` returns the trades that the page has, live ones among them. */
  constructor(source: Source, order: Order, selection: Selection, known: () => readonly TradeEvent[]) {
    this.order = order;
    this.#source = source;
    this.#selection = selection;
    this.#known = known;
    const queryArchive = (query: MessagesQuery): Promise<MessagesPage> => this.#query(query);
    this.#pages = new Pages({ ...source, queryArchive }, () => selection, undefined);
  }

  get asOfMs(): number | undefined {
    return this.#asOfMs;
  }

  /** The newest trades of the range, which alone are sorted. Undefined if all are. */
  get basis(): Basis | undefined {
    return this.#basis;
  }

  /** How many selected trades have arrived since the list was begun. */
  get pending(): number {
    return this.#pending;
  }

  get length(): number {
    return this.#pages.length;
  }

  get keptSinceMs(): number | undefined {
    return this.#pages.keptSinceMs;
  }

  get endStatus(): EndStatus {
    return this.#pages.endStatus;
  }

  /** Counts live trades. */
  add(trades: readonly TradeEvent[]): void {
    const { filters, span } = this.#selection;
    // Before the moment is known, nothing is counted: `#known` will have these trades.
    const since = this.#asOfMs ?? Number.POSITIVE_INFINITY;
    const later: Selection = { filters, span: { ...span, sinceMs: Math.max(span.sinceMs ?? since, since) } };
    this.#pending += trades.filter((trade) => selects(later, trade)).length;
  }

  slice(first: number, last: number): readonly (TradeEvent | undefined)[] {
    return this.#pages.slice(first, last);
  }

  setVisibleRange(first: number, last: number): void {
    this.#pages.setVisibleRange(first, last);
  }

  retry(): void {
    this.#pages.retry();
  }

  async #query(query: MessagesQuery): Promise<MessagesPage> {
    const { queryArchive } = this.#source;
    if (this.#asOfMs === undefined) {
      const { archivedUpToMs } = await queryArchive({ limit: 1 });
      if (!Number.isFinite(archivedUpToMs)) {
        throw new Error("the archive can’t tell up to which time it is complete");
      }
      this.#asOfMs = Math.floor(archivedUpToMs);
      this.add(this.#known());
    }
    const span: Span = {
      sinceMs: query.sinceMs,
      untilMs: Math.min(query.untilMs ?? this.#asOfMs, this.#asOfMs),
    };
    if (isEmptySpan(span)) {
      return {
        messages: [],
        next: undefined,
        basis: undefined,
        archivedUpToMs: this.#asOfMs,
        keptSinceMs: undefined,
      };
    }
    const page = await queryArchive({ ...query, ...span, order: this.order });
    this.#basis = page.basis;
    return page;
  }
}
