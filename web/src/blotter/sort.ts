/** The loaded trades in an order other than by time. */

import type { TradeEvent } from "../trade/event.ts";
import { COLUMNS } from "./columns.ts";
import type { Sort } from "./layout.ts";
import type { TradeList } from "./trade-list.ts";

export class SortedTrades {
  #sort: Sort | undefined;
  #shown: readonly TradeEvent[] = [];
  #length = 0;
  #sorted: readonly TradeEvent[] = [];

  /** Returns the list's trades in this order. Sorts only if the trades or the order have changed. */
  of(list: TradeList, sort: Sort): readonly TradeEvent[] {
    if (sort !== this.#sort || list.shown !== this.#shown || list.length !== this.#length) {
      this.#sort = sort;
      this.#shown = list.shown;
      this.#length = list.length;
      this.#sorted = inOrder(list.loaded, sort);
    }
    return this.#sorted;
  }
}

function inOrder(trades: readonly TradeEvent[], { by, direction }: Sort): readonly TradeEvent[] {
  const compare = COLUMNS.find(({ name }) => name === by)?.compare ?? (() => 0);
  return direction === "ascending" ? trades.toSorted(compare) : trades.toSorted((a, b) => compare(b, a));
}
