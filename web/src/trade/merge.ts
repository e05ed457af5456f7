/** Merging of trades into a bounded list, newest first. */

import { newestFirst, type TradeEvent } from "./event.ts";

/** How many trades the page holds. */
export const MAX_TRADES = 1000;

/**
 * Returns a new list of `trades` with `batch` merged in. The old list stays valid for a table that still
 * shows it.
 */
export function mergeTrades(
  trades: readonly TradeEvent[],
  batch: readonly TradeEvent[],
  limit = MAX_TRADES,
): readonly TradeEvent[] {
  const incoming = batch.toReversed();
  if (!isSorted(incoming)) {
    incoming.sort(newestFirst);
  }
  const merged = incoming.slice(0, limit).concat(trades);
  const [newest] = trades;
  const oldestIncoming = incoming[Math.min(incoming.length, limit) - 1];
  // The common case costs one comparison: everything new is newer than everything there.
  if (newest && oldestIncoming && newestFirst(oldestIncoming, newest) > 0) {
    merged.sort(newestFirst);
  }
  return merged.slice(0, limit);
}

function isSorted(trades: readonly TradeEvent[]): boolean {
  return trades.every((trade, index) => {
    const before = trades[index - 1];
    return !before || newestFirst(before, trade) < 0;
  });
}
