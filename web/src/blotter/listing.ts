/**
 * What the table lists: the trades of the present filters, range and order.
 *
 * Newest first, a list grows as trades arrive. In another order it never adds new trades by itself, because each may
 * belong anywhere.
 */

import { type Filters, isFiltered } from "../filters/filters.ts";
import { listedOrder, NEWEST_FIRST, type Order, sameOrder } from "../filters/order.ts";
import { type Range, spanOf } from "../filters/range.ts";
import type { Selection } from "../filters/selection.ts";
import type { Page, View } from "../page.ts";
import { History } from "../stream/history.ts";
import type { State } from "../stream/state.ts";
import { parseTradeEvent } from "../trade/event.ts";
import { SortedTrades } from "./sorted-trades.ts";
import { TradeList } from "./trade-list.ts";

export type Change = "none" | "order" | "selection";

export class Listing {
  readonly #page: Page;
  /** What the list was started with. */
  #filters: Filters;
  #range: Range;
  #order: Order;
  #trades: TradeList;
  /** Undefined if the newest trades are listed first. */
  #sorted: SortedTrades | undefined;
  #history: History | undefined;
  #startedMs = 0;

  constructor(page: Page) {
    this.#page = page;
    this.#filters = page.address.filters;
    this.#range = page.address.range;
    this.#order = listedOrder(page.address.order, this.#filters);
    this.#trades = this.#newTradeList();
    this.#sorted = this.#newSortedTrades();
    page.state.onFresh((fresh) => {
      this.#trades.add(fresh);
      this.#sorted?.add(fresh);
    });
    page.state.onBackfill((backfilled) => this.#trades.backfill(backfilled));
  }

  /** The list by time, which also counts the new trades. */
  get trades(): TradeList {
    return this.#trades;
  }

  get sorted(): SortedTrades | undefined {
    return this.#sorted;
  }

  /** What the table lists. */
  get shown(): TradeList | SortedTrades {
    return this.#sorted ?? this.#trades;
  }

  get order(): Order {
    return this.#order;
  }

  /** What the exports contain. */
  get selection(): Selection {
    return { filters: this.#filters, span: spanOf(this.#range, this.#page.serverNow()) };
  }

  get isFiltered(): boolean {
    return isFiltered(this.#filters);
  }

  /** Whether trades may be on their way that are older than the page. */
  isLoading({ isBackfillFailing }: State): boolean {
    const { endStatus } = this.shown;
    return endStatus === "more" || (endStatus === "loading" && !isBackfillFailing);
  }

  /** Follows the view. Returns the changes, and starts the list over if there are any. */
  follow({ state, filters, range, order: wanted }: View): Change {
    const isSelected = filters !== this.#filters || range !== this.#range;
    if (isSelected) {
      this.#filters = filters;
      this.#range = range;
      this.#history?.stop();
      this.#history = undefined;
      this.#trades = this.#newTradeList();
    }
    const order = listedOrder(wanted, filters);
    const isOrdered = !sameOrder(order, this.#order);
    this.#order = order;
    if (isSelected || isOrdered) {
      this.restartOrder();
    }
    if (state.connection.phase === "live") {
      this.#history?.setEnd(Math.max(this.#startedMs, state.connection.sinceMs));
    }
    this.#trades.isBackfilled ||= state.isBackfilled && !this.#history;
    if (isSelected) {
      return "selection";
    }
    return isOrdered ? "order" : "none";
  }

  /** Begins at the top of the present order, with the trades of now. */
  restartOrder(): void {
    this.#sorted = this.#newSortedTrades();
  }

  #newSortedTrades(): SortedTrades | undefined {
    if (sameOrder(this.#order, NEWEST_FIRST)) {
      return;
    }
    const { queryArchive, timing, state, repaint } = this.#page;
    const sources = { queryArchive, timing, changed: repaint };
    return new SortedTrades(sources, this.#order, this.selection, () => state.trades);
  }

  #newTradeList(): TradeList {
    const { queryArchive, timing, state, repaint, serverNow } = this.#page;
    const [filters, range] = [this.#filters, this.#range];
    const selection = (): Selection => ({ filters, span: spanOf(range, serverNow()) });
    const list = new TradeList({ queryArchive, timing, changed: repaint }, selection, state.trades);
    // The latest trades of all are loaded once, for every list.
    if (isFiltered(filters) || selection().span.untilMs !== undefined) {
      this.#startedMs = serverNow();
      this.#history = new History(timing, queryArchive, selection(), {
        received: (messages) => {
          list.backfill(messages.map(parseTradeEvent).filter((trade) => trade !== undefined));
          list.isBackfilled = true;
          repaint();
        },
        failed: repaint,
      });
      this.#history.start();
    }
    return list;
  }
}
