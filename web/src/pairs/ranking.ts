/** Sorting of pairs by one of their columns. */

import type { PairStats } from "../server/stats.ts";
import { parseUnits, quotient, type Units } from "../trade/decimal.ts";

export const COLUMNS = ["pair", "count", "sold", "bought", "vwap", "last", "change"] as const;

export type Column = (typeof COLUMNS)[number];

export interface Order {
  readonly by: Column;
  readonly isDescending: boolean;
}

export const DEFAULT_ORDER: Order = { by: "count", isDescending: true };

export function pairKey({ from, to }: { readonly from: string; readonly to: string }): string {
  return `${from}→${to}`;
}

/** The effect of a click on a column header: sorts by this column, or reverses its order. */
export function nextOrder({ by, isDescending }: Order, clicked: Column): Order {
  return clicked === by
    ? { by, isDescending: !isDescending }
    : { by: clicked, isDescending: clicked !== "pair" };
}

/** For local storage. */
export function formatOrder({ by, isDescending }: Order): string {
  return `${by} ${isDescending ? "descending" : "ascending"}`;
}

export function parseOrder(text: string | undefined): Order {
  const [name, direction] = text?.split(" ") ?? [];
  const by = COLUMNS.find((column) => column === name);
  return by ? { by, isDescending: direction === "descending" } : DEFAULT_ORDER;
}

export function vwap({ sold, bought }: PairStats): string {
  return quotient(bought, sold);
}

/** The change from the first to the last rate in the time range, in millionths. */
export function changeMillionths({ open, last }: PairStats): number {
  return open === 0n ? 0 : Number(((last - open) * 1_000_000n) / open);
}

/**
 * Sorts the pairs. Ties are ordered by count, then by name, so that the result does not depend on the input
 * order.
 */
export function ranked(pairs: readonly PairStats[], { by, isDescending }: Order): readonly PairStats[] {
  const entries = pairs.map((pair) => ({ pair, key: pairKey(pair), value: sortValue(pair, by) }));
  const sign = isDescending ? -1 : 1;
  entries.sort((a, b) => {
    if (a.value !== b.value) {
      return a.value < b.value ? -sign : sign;
    }
    return b.pair.count - a.pair.count || (a.key < b.key ? -1 : 1);
  });
  return entries.map(({ pair }) => pair);
}

function sortValue(pair: PairStats, by: Column): string | number | Units {
  switch (by) {
    case "pair":
      return pairKey(pair);
    case "vwap":
      return parseUnits(vwap(pair)) ?? 0n;
    case "change":
      return changeMillionths(pair);
    default:
      return pair[by];
  }
}

/** Keeps the previous order and appends new pairs, so that no row moves while the user is about to click. */
export function keepOrder(
  pairs: readonly PairStats[],
  before: readonly string[],
  order: Order,
): readonly PairStats[] {
  const places = new Map(before.map((key, index) => [key, index]));
  const place = (pair: PairStats): number => places.get(pairKey(pair)) ?? before.length;
  return ranked(pairs, order).toSorted((a, b) => place(a) - place(b));
}
