/** An archive with the trades, the delay and the failures that a test gives it. */

import { matches, NO_FILTERS } from "../src/filters/filters.ts";
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
    sinceMs = 0,
    untilMs = Number.POSITIVE_INFINITY,
    limit,
    cursor = "0",
  }: MessagesQuery): MessagesPage {
    const matching = this.#trades.filter((trade) => {
      const receivedMs = trade.receivedMicros / 1000;
      return matches(filters, trade) && receivedMs >= sinceMs && receivedMs < untilMs;
    });
    const end = Number(cursor) + limit;
    return {
      messages: matching.slice(Number(cursor), end),
      next: end < matching.length ? String(end) : undefined,
      archivedUpToMs: this.upToMs,
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
