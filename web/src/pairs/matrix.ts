/** The matrix: currencies sold in rows, currencies bought in columns, the busiest first. */

import type { PairStats } from "../server/stats.ts";
import { pairKey } from "./ranking.ts";

/** A larger matrix would be hard to read, and have thousands of cells. */
export const AXIS_MAX = 24;
/** As many shades as can be told apart. */
export const SHADES = 6;

export interface Matrix {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly cells: ReadonlyMap<string, PairStats>;
  /** Trades of the busiest cell. */
  readonly max: number;
  /** Pairs that did not fit. */
  readonly omitted: number;
}

export function toMatrix(pairs: readonly PairStats[]): Matrix {
  const currencies = busiest(pairs);
  const axis = (side: "from" | "to"): readonly string[] => {
    const traded = new Set(pairs.map((pair) => pair[side]));
    return currencies.filter((currency) => traded.has(currency)).slice(0, AXIS_MAX);
  };
  const [rows, columns] = [axis("from"), axis("to")];
  const shown = pairs.filter(({ from, to }) => rows.includes(from) && columns.includes(to));
  return {
    rows,
    columns,
    cells: new Map(shown.map((pair) => [pairKey(pair), pair])),
    max: Math.max(0, ...shown.map(({ count }) => count)),
    omitted: pairs.length - shown.length,
  };
}

/** One order for both axes, so that opposite pairs mirror each other at the diagonal. */
function busiest(pairs: readonly PairStats[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { from, to, count } of pairs) {
    for (const currency of [from, to]) {
      counts.set(currency, (counts.get(currency) ?? 0) + count);
    }
  }
  return [...counts]
    .sort(([one, a], [other, b]) => b - a || (one < other ? -1 : 1))
    .map(([currency]) => currency);
}

/** Returns a shade from 1 to SHADES. With the square root, one busy pair does not leave all others white. */
export function shade(count: number, max: number): number {
  return max === 0 ? 1 : Math.max(1, Math.ceil(Math.sqrt(count / max) * SHADES));
}
