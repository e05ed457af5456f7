/** The matrix: what was sold in rows, what was bought in columns, the busiest of both first. */

import type { PairFigures } from "../figures.ts";
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
  const rows = busiest(pairs, "from");
  const columns = busiest(pairs, "to");
  const shown = pairs.filter(({ from, to }) => rows.includes(from) && columns.includes(to));
  return {
    rows,
    columns,
    cells: new Map(shown.map((pair) => [pairKey(pair), pair])),
    most: Math.max(0, ...shown.map(({ count }) => count)),
    left: pairs.length - shown.length,
  };
}

function busiest(pairs: readonly PairFigures[], side: "from" | "to"): readonly string[] {
  const counts = new Map<string, number>();
  for (const pair of pairs) {
    counts.set(pair[side], (counts.get(pair[side]) ?? 0) + pair.count);
  }
  return [...counts]
    .sort(([one, a], [other, b]) => b - a || (one < other ? -1 : 1))
    .slice(0, AXIS_MAX)
    .map(([currency]) => currency);
}

/** From 1 to SHADES. By the root: else one busy pair would leave all others white. */
export function shade(count: number, most: number): number {
  return most === 0 ? 1 : Math.max(1, Math.ceil(Math.sqrt(count / most) * SHADES));
}
