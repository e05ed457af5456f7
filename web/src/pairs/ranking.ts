/** The pairs in the order that one of their figures gives. */

import type { PairFigures } from "../server/stats.ts";
import { parseUnits, quotient, type Units } from "../trade/decimal.ts";

export const COLUMNS = ["pair", "count", "sold", "bought", "vwap", "last", "change"] as const;

export type Column = (typeof COLUMNS)[number];

export interface Order {
  readonly by: Column;
  readonly isDown: boolean;
}

export const USUAL_ORDER: Order = { by: "count", isDown: true };

export function pairKey({ from, to }: { readonly from: string; readonly to: string }): string {
  return `${from}→${to}`;
}

/** What a click on a column's head asks for: that column, and at the second click the other way round. */
export function ordered({ by, isDown }: Order, clicked: Column): Order {
  return clicked === by ? { by, isDown: !isDown } : { by: clicked, isDown: clicked !== "pair" };
}

/** An order in a few letters, for this browser to keep. */
export function orderText({ by, isDown }: Order): string {
  return `${by} ${isDown ? "down" : "up"}`;
}

export function parseOrder(text: string | undefined): Order {
  const [name, way] = text?.split(" ") ?? [];
  const by = COLUMNS.find((column) => column === name);
  return by ? { by, isDown: way === "down" } : USUAL_ORDER;
}

export function vwap({ sold, bought }: PairFigures): string {
  return quotient(bought, sold);
}

/** By how many millionths the last rate is above the first one of the window. */
export function changeMillionths({ open, last }: PairFigures): number {
  return open === 0n ? 0 : Number(((last - open) * 1_000_000n) / open);
}

/** In order. The order does not depend on how the pairs come: of two alike, the busier is first, then the alphabet. */
export function ranked(pairs: readonly PairFigures[], { by, isDown }: Order): readonly PairFigures[] {
  const entries = pairs.map((pair) => ({ pair, key: pairKey(pair), value: sortValue(pair, by) }));
  const way = isDown ? -1 : 1;
  entries.sort((a, b) => {
    if (a.value !== b.value) {
      return a.value < b.value ? -way : way;
    }
    return b.pair.count - a.pair.count || (a.key < b.key ? -1 : 1);
  });
  return entries.map(({ pair }) => pair);
}

function sortValue(pair: PairFigures, by: Column): string | number | Units {
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

/** The order that was, with what is new behind it: while someone is about to click, no row moves away. */
export function held(
  pairs: readonly PairFigures[],
  before: readonly string[],
  order: Order,
): readonly PairFigures[] {
  const places = new Map(before.map((key, index) => [key, index]));
  const place = (pair: PairFigures): number => places.get(pairKey(pair)) ?? before.length;
  return ranked(pairs, order).toSorted((a, b) => place(a) - place(b));
}
