/** The matrix: what was sold in rows, what was bought in columns, the busiest of both first. */

import type { PairFigures } from "../server/stats.ts";
import { pairKey } from "./ranking.ts";

/** More can't be taken in, and would be some thousand cells. */
export const AXIS_MAX = 24;
/** So many shades one can tell apart. */
export const SHADES = 6;

export interface Grid {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly cells: ReadonlyMap<string, PairFigures>;
  /** Of the busiest cell. */
  readonly most: number;
  /** Pairs that have no place in it. */
  readonly left: number;
}

export function gridOf(pairs: readonly PairFigures[]): Grid {
  const currencies = busiest(pairs);
  const axis = (side: "from" | "to"): readonly string[] => {
    const there = new Set(pairs.map((pair) => pair[side]));
    return currencies.filter((currency) => there.has(currency)).slice(0, AXIS_MAX);
  };
  const [rows, columns] = [axis("from"), axis("to")];
  const shown = pairs.filter(({ from, to }) => rows.includes(from) && columns.includes(to));
  return {
    rows,
    columns,
    cells: new Map(shown.map((pair) => [pairKey(pair), pair])),
    most: Math.max(0, ...shown.map(({ count }) => count)),
    left: pairs.length - shown.length,
  };
}

/** In one order for both sides: what is traded both ways lies on either side of the diagonal. */
function busiest(pairs: readonly PairFigures[]): readonly string[] {
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

/** From 1 to SHADES. By the root: else one busy pair would leave all others white. */
export function shade(count: number, most: number): number {
  return most === 0 ? 1 : Math.max(1, Math.ceil(Math.sqrt(count / most) * SHADES));
}
