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
): readonly TradeEvent[] {
  // Sorting takes one comparison for each trade if the batch is in order and newer than the list.
  return [...batch, ...trades].sort(newestFirst).slice(0, MAX_TRADES);
}
