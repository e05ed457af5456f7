/** An archive with the trades, the delay and the failures that a test gives it. */

import { matches, NO_FILTERS } from "../src/filters/filters.ts";
import { NEWEST_FIRST } from "../src/filters/order.ts";
import type { MessagesPage, MessagesQuery, QueryArchive } from "../src/server/archive.ts";
import { newestFirst, parseTradeEvent, type TradeEvent } from "../src/trade/event.ts";

export class FakeArchive {
  readonly queries: MessagesQuery[] = [];
  upToMs = Number.POSITIVE_INFINITY;
  isUnavailable = false;
  /** Called between request and answer. */
  beforeAnswer: () => void = () => undefined;
  #trades: TradeEvent[] = [];

  put(...raw: readonly unknown[]): void {
    this.#trades = [...this.#trades, ...raw.map(parsed)].sort(newestFirst);
  }

  get query(): QueryArchive {
    return async (request) => {
      this.queries.push(request);
      await Promise.resolve();
      this.beforeAnswer();
      if (this.isUnavailable) {
        throw new Error("unavailable");
      }
      return this.#page(request);
    };
  }

  #page({
    filters = NO_FILTERS,
    order = NEWEST_FIRST,
    sinceMs = 0,
    untilMs = Number.POSITIVE_INFINITY,
    limit,
    cursor = "0",
  }: MessagesQuery): MessagesPage {
    const matching = this.#trades.filter((trade) => {
      const receivedMs = trade.receivedMicros / 1000;
      return matches(filters, trade) && receivedMs >= sinceMs && receivedMs < untilMs;
    });
    if (order.by !== "receivedAt") {
      const sign = order.direction === "ascending" ? 1 : -1;
      matching.sort((a, b) => sign * (Number(a[order.by]) - Number(b[order.by])));
    }
    const end = Number(cursor) + limit;
    return {
      messages: matching.slice(Number(cursor), end),
      basis: undefined,
      next: end < matching.length ? String(end) : undefined,
      archivedUpToMs: this.upToMs,
      keptSinceMs: undefined,
    };
  }
}

function parsed(raw: unknown): TradeEvent {
  const trade = parseTradeEvent(raw);
  if (!trade) {
    throw new Error("only trades are archived");
  }
  return trade;
}
